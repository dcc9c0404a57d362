/// @file
/// Embedding: y[i] = scale · table[ids[i]], table [vocabulary, dim], y [ids' shape..., dim].
/// dL/dtable[w] = scale · Σ_{i: ids[i]=w} dL/dy[i]. Identifiers are checked where batches are made, not here.
#pragma once
#include "ops/op.hpp"

namespace tenfold::inline TENFOLD_REAL {
namespace op {

/// The operation of embedding().
struct Embedding {
  static constexpr std::string_view name = "embedding";
  IdTensor ids;    ///< any shape; each in [0, vocabulary)
  Real scale = 1;  ///< √dim in the Transformer
  struct Saved {
    Shape table;
  };

  Tensor forward(Inputs x, Saved* saved) const {
    const Tensor& table = x[0];
    require(table.shape().rank() == 2, name, "the table must be [vocabulary, dim]", x);
    std::vector<Index> extents(ids.shape().begin(), ids.shape().end());
    extents.push_back(table.dim(1));
    Tensor y = Tensor::empty(table.device(), Shape(extents));
    kernels(table).gather(table.data(), ids.data(), scale, y.mutable_data(), ids.size(), table.dim(1));
    if (saved) saved->table = table.shape();
    return y;
  }

  void backward(const Saved& saved, const Tensor& dy, Gradients dx) const {
    dx[0] = Tensor::empty(dy.device(), saved.table);
    kernels(dy).scatter_add(ids.data(), dy.data(), scale, dx[0].mutable_data(), ids.size(), saved.table[0],
                            saved.table[1]);
  }

  static std::vector<Sample<Embedding>> samples() {
    const auto with = [](std::vector<std::int32_t> ids, Shape shape, Real scale) {
      return [=](Kernels& k) { return Embedding{IdTensor::from(k, shape, ids), scale}; };
    };
    return {{"repeated ids", {{4, 3}}, with({1, 3, 1, 0, 1, 3}, {2, 3}, Real(1.5))},
            {"one id", {{5, 2}}, with({4}, {1}, 1)},
            {"wide rows", {{3, 37}}, with({2, 0, 2, 2}, {4}, 1)}};
  }
};

}  // namespace op

/// Rows of `table` [vocabulary, dim] by id, times `scale`: [ids' shape..., dim]. Ids are not checked here.
inline Variable embedding(const Variable& table, IdTensor ids, Real scale = 1) {
  return apply_op(op::Embedding{std::move(ids), scale}, {table});
}

}  // namespace tenfold::inline TENFOLD_REAL
