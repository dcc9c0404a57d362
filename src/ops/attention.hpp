/// @file
/// Scaled dot-product attention, all heads at once: O = dropout(softmax(Q Kᵀ / √d_k)) V
/// (Vaswani et al. 2017), with heads taken from packed projections, so that nothing is copied to be permuted.
///
/// Inputs, by their number:
///   1: qkv [batch, time, 3·dim], self-attention on one packed projection;
///   2: q [batch, queries, dim] and kv [batch, keys, 2·dim], as from encoder to decoder;
///   3: q, k, v [batch, …, dim].
/// Result [batch, queries, dim]; head h is columns h·d_k … (h+1)·d_k. The weights are not stored: backward makes them
/// again from the log of each row's sum, P = exp(QKᵀ/√d_k - log_sum) (Dao et al. 2022). With D = dropout's mask and scale:
/// dV = (D⊙P)ᵀ dO,  dP = D ⊙ (dO Vᵀ),  dS = P ⊙ (dP - rowsum(dO ⊙ O)),  dQ = dS K/√d_k,  dK = dSᵀ Q/√d_k.
#pragma once
#include <array>
#include <cmath>

#include "ops/dropout.hpp"
#include "ops/masking.hpp"
#include "ops/matmul.hpp"
#include "ops/permute.hpp"
#include "ops/reshape.hpp"
#include "ops/scale.hpp"
#include "ops/slice.hpp"
#include "ops/softmax.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of attention().
struct Attention {
  static constexpr std::string_view name = "attention";
  Index heads = 1;                ///< they share the width; must divide it
  Masking masking;                ///< which keys each query sees
  TENFOLD_REAL::Dropout dropout;  ///< of the weights
  struct Saved {
    std::vector<Tensor> inputs;
    Tensor o, log_sums;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    const Plan p = plan(x);
    Kernels& k = kernels(x[0]);
    const auto& a = p.kernel;
    Tensor o = Tensor::empty(k, {a.batch, a.queries, a.heads * a.head_dim});
    Tensor log_sums = Tensor::empty(k, {a.batch, a.heads, a.queries});
    k.attention(a, p.at(x, 0), p.at(x, 1), p.at(x, 2), o.mutable_data(), log_sums.mutable_data());
    if (saved) *saved = {{x.begin(), x.end()}, o, log_sums};
    return o;
  }

  void backward(const Saved& s, const Tensor& dy, Gradients dx) const {
    const Inputs x(s.inputs);
    const Plan p = plan(x);
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] = empty_like(x[i]);
    const auto grad = [&](int which) { return dx[p.input[which]].mutable_data() + p.offset[which]; };
    kernels(dy).attention_backward(p.kernel, p.at(x, 0), p.at(x, 1), p.at(x, 2), s.o.data(), s.log_sums.data(),
                                   dy.data(), grad(0), grad(1), grad(2));
  }

  /// Of q·k and of weights·v, every entry counted although a mask may hide it; what backward computes a second time is not.
  Flops flops(Inputs x) const {
    const auto a = plan(x).kernel;
    const double product = 2.0 * static_cast<double>(a.batch * a.heads * a.queries) * static_cast<double>(a.keys * a.head_dim);
    return {2 * product, 4 * product};
  }

  /// Softmax of the scores, [batch, heads, queries, keys], without dropout: what a heat map shows.
  Variable weights(Variables x) const {
    const auto qkv = separate(x);
    const auto d = static_cast<Real>(qkv[0].shape().back());
    return softmax(scale(matmul(qkv[0], qkv[1], false, true), 1 / std::sqrt(d)), masking);
  }

  Variable composed(Variables x) const {
    const Variable dropped = tenfold::TENFOLD_REAL::dropout(weights(x), dropout);
    const Variable o = permute(matmul(dropped, separate(x)[2]), {0, 2, 1, 3});  // [batch, queries, heads, d_k]
    return reshape(o, {o.shape()[0], o.shape()[1], o.shape()[2] * o.shape()[3]});
  }

  static std::vector<Sample<Attention>> samples();

 private:
  /// Where q, k and v stand: in which input, from which column on.
  struct Plan {
    TENFOLD_REAL::Attention kernel;
    std::array<int, 3> input{};
    std::array<Index, 3> offset{};
    const Real* at(Inputs x, int which) const { return x[input[which]].data() + offset[which]; }
  };

  Plan plan(Inputs x) const {
    require(x.size() >= 1 && x.size() <= 3, name, "one to three inputs are needed", x);
    for (const Tensor& t : x) require(t.shape().rank() == 3, name, "inputs must be [batch, time, columns]", x);
    const Index packed[] = {3, 1, 1};
    const Index dim = x[0].dim(2) / packed[x.size() - 1];
    const Index keys = x[x.size() - 1].dim(1), batch = x[0].dim(0);
    require(dim * packed[x.size() - 1] == x[0].dim(2) && heads > 0 && dim % heads == 0, name,
            "the width must divide into " + std::to_string(heads) + " heads", x);
    for (std::size_t i = 1; i < x.size(); ++i)
      require(x[i].shape() == Shape{batch, keys, x.size() == 2 ? 2 * dim : dim}, name,
              "keys and values must fit the queries", x);
    require(!masking.key_lengths.defined() || masking.key_lengths.size() == batch, name,
            "one key length per batch entry is needed", x);
    Plan p;
    p.input = x.size() == 1 ? std::array{0, 0, 0} : x.size() == 2 ? std::array{0, 1, 1} : std::array{0, 1, 2};
    p.offset = x.size() == 1   ? std::array<Index, 3>{0, dim, 2 * dim}
               : x.size() == 2 ? std::array<Index, 3>{0, 0, dim}
                               : std::array<Index, 3>{0, 0, 0};
    const auto rows = [&](int which) {
      const Tensor& t = x[p.input[which]];
      return PackedRows{t.dim(2), t.dim(1) * t.dim(2)};
    };
    const Index queries = x[0].dim(1);
    p.kernel = {batch, heads, queries, keys, dim / heads, rows(0), rows(1), rows(2), {dim, queries * dim},
                1 / std::sqrt(static_cast<Real>(dim / heads)), masking.mask(heads, queries), dropout};
    return p;
  }

  /// q, k, v as [batch, heads, time, d_k], by slices and permutations.
  std::vector<Variable> separate(Variables x) const {
    std::vector<Variable> parts;
    if (x.size() == 1) parts = split(x[0], -1, 3);
    if (x.size() == 2) {
      parts = split(x[1], -1, 2);
      parts.insert(parts.begin(), x[0]);
    }
    if (x.size() == 3) parts.assign(x.begin(), x.end());
    for (Variable& v : parts) {
      const Shape s = v.shape();
      v = permute(reshape(v, {s[0], s[1], heads, s[2] / heads}), {0, 2, 1, 3});
    }
    return parts;
  }
};

inline std::vector<Sample<Attention>> Attention::samples() {
  const auto with = [](Index heads, bool causal, std::vector<std::int32_t> lengths, double rate = 0) {
    return [=](Kernels& k) {
      Attention op{heads, {causal, 0, {}}, TENFOLD_REAL::Dropout::with_rate(rate, 5, 17)};
      if (!lengths.empty()) op.masking.key_lengths = IdTensor::from(k, {Index(lengths.size())}, lengths);
      return op;
    };
  };
  const auto cached = [](Kernels&) { return Attention{1, {true, 2, {}}, {}}; };
  return {{"one head", {{1, 3, 12}}, with(1, false, {})},
          {"packed, two heads, causal", {{2, 4, 18}}, with(2, true, {})},
          {"causal and padding, dropout", {{2, 5, 12}}, with(2, true, {5, 2}, 0.3)},
          {"cross, other length, padding", {{2, 3, 8}, {2, 5, 16}}, with(2, false, {5, 3})},
          {"separate, a memory of nothing", {{2, 2, 4}, {2, 3, 4}, {2, 3, 4}}, with(1, false, {0, 3})},
          {"one query after two cached keys", {{1, 1, 4}, {1, 3, 8}}, cached},
          {"lengths that are no multiple of a tile", {{1, 19, 6}, {1, 37, 12}}, with(2, false, {})},
          {"a wide head, dropout", {{1, 3, 480}}, with(1, true, {}, 0.3)}};
}

}  // namespace op

/// Attention over one packed projection [batch, time, 3·dim].
inline Variable attention(const Variable& qkv, Index heads, Masking masking = {}, Dropout dropout = {}) {
  return apply_op(op::Attention{heads, std::move(masking), dropout}, {qkv});
}
/// Attention of queries [batch, queries, dim] over packed keys and values [batch, keys, 2·dim].
inline Variable attention(const Variable& q, const Variable& kv, Index heads, Masking masking = {},
                          Dropout dropout = {}) {
  return apply_op(op::Attention{heads, std::move(masking), dropout}, {q, kv});
}
/// Attention over separate q, k, v, each [batch, time, dim].
inline Variable attention(const Variable& q, const Variable& k, const Variable& v, Index heads, Masking masking = {},
                          Dropout dropout = {}) {
  return apply_op(op::Attention{heads, std::move(masking), dropout}, {q, k, v});
}

}  // namespace tenfold::inline TENFOLD_REAL
