/// @file
/// What each computation is, in plain loops and in double; and holding a version against it.
#include <cmath>
#include <random>

#include "ladder/ladder.hpp"

namespace tenfold::inline TENFOLD_ON::ladder {
namespace {

using Host = std::vector<std::vector<float>>;

std::size_t matrix(const Extents& e) { return static_cast<std::size_t>(e.rows) * e.cols; }
std::size_t none(const Extents&) { return 1; }
double no_operations(const Extents&) { return 0; }

std::vector<double> softmax(const Extents& e, const Host& in) {
  std::vector<double> y(matrix(e));
  for (int r = 0; r < e.rows; ++r) {
    const float* x = &in[0][static_cast<std::size_t>(r) * e.cols];
    double largest = x[0], total = 0;
    for (int c = 0; c < e.cols; ++c) largest = std::fmax(largest, x[c]);
    for (int c = 0; c < e.cols; ++c) total += std::exp(x[c] - largest);
    for (int c = 0; c < e.cols; ++c) y[static_cast<std::size_t>(r) * e.cols + c] = std::exp(x[c] - largest) / total;
  }
  return y;
}

std::vector<double> layer_norm(const Extents& e, const Host& in) {
  std::vector<double> y(matrix(e));
  for (int r = 0; r < e.rows; ++r) {
    const float* x = &in[0][static_cast<std::size_t>(r) * e.cols];
    double mean = 0, variance = 0;
    for (int c = 0; c < e.cols; ++c) mean += x[c] / static_cast<double>(e.cols);
    for (int c = 0; c < e.cols; ++c) variance += (x[c] - mean) * (x[c] - mean) / e.cols;
    for (int c = 0; c < e.cols; ++c)
      y[static_cast<std::size_t>(r) * e.cols + c] = (x[c] - mean) / std::sqrt(variance + 1e-5) * in[1][c] + in[2][c];
  }
  return y;
}

std::vector<double> product(const Extents& e, const Host& in) {
  std::vector<double> c(matrix(e));
  for (int i = 0; i < e.rows; ++i)
    for (int k = 0; k < e.depth; ++k)
      for (int j = 0; j < e.cols; ++j)
        c[static_cast<std::size_t>(i) * e.cols + j] += static_cast<double>(in[0][static_cast<std::size_t>(i) * e.depth + k]) *
                                                      in[1][static_cast<std::size_t>(k) * e.cols + j];
  return c;
}

std::vector<double> attention(const Extents& e, const Host& in) {
  std::vector<double> o(matrix(e) * e.depth), weight(e.rows);
  for (int head = 0; head < e.depth; ++head)
    for (int i = 0; i < e.rows; ++i) {
      const std::size_t base = static_cast<std::size_t>(head) * matrix(e), own = base + static_cast<std::size_t>(i) * e.cols;
      double total = 0;
      for (int j = 0; j < e.rows; ++j) {
        double score = 0;
        for (int d = 0; d < e.cols; ++d) score += static_cast<double>(in[0][own + d]) * in[1][base + static_cast<std::size_t>(j) * e.cols + d];
        total += weight[j] = std::exp(score / std::sqrt(static_cast<double>(e.cols)));
      }
      for (int j = 0; j < e.rows; ++j)
        for (int d = 0; d < e.cols; ++d) o[own + d] += weight[j] / total * in[2][base + static_cast<std::size_t>(j) * e.cols + d];
    }
  return o;
}

}  // namespace

const std::vector<Ladder>& ladders() {
  static const std::vector<Ladder> all = {
      {"softmax", [](const Extents& e) { return std::vector<std::size_t>{matrix(e)}; }, matrix, none, softmax,
       no_operations, 1e-6, {{1, 1}, {3, 512}, {70, 301}, {9, 33}}, {64, 512}, {65536, 512}},
      {"layer norm",
       [](const Extents& e) {
         return std::vector<std::size_t>{matrix(e), static_cast<std::size_t>(e.cols), static_cast<std::size_t>(e.cols)};
       },
       matrix, [](const Extents& e) { return 2 * static_cast<std::size_t>(e.rows); }, layer_norm, no_operations, 1e-5, {{1, 4}, {3, 512}, {70, 301}, {9, 36}}, {64, 512}, {65536, 512}},
      {"product",
       [](const Extents& e) {
         return std::vector<std::size_t>{static_cast<std::size_t>(e.rows) * e.depth,
                                         static_cast<std::size_t>(e.depth) * e.cols};
       },
       matrix, none, product, [](const Extents& e) { return 2.0 * e.rows * e.cols * e.depth; }, 1e-5,
       {{1, 1, 1}, {33, 65, 17}, {130, 132, 20}, {64, 128, 32}}, {128, 128, 128}, {4096, 4096, 4096}},
      {"attention",
       [](const Extents& e) { return std::vector<std::size_t>(3, matrix(e) * e.depth); },
       [](const Extents& e) { return matrix(e) * e.depth; },
       [](const Extents& e) { return static_cast<std::size_t>(e.rows) * e.rows * e.depth; }, attention,
       [](const Extents& e) { return 4.0 * e.rows * e.rows * e.cols * e.depth; }, 1e-5,
       {{1, 64, 1}, {33, 64, 2}, {100, 64, 3}}, {128, 64, 1}, {1024, 64, 64}}};
  return all;
}

Bench::Bench(const Ladder& ladder, const Extents& extents)
    : ladder_(ladder), extents_(extents), out_(ladder.outputs(extents)), scratch_(ladder.scratch(extents)) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  for (const std::size_t count : ladder.inputs(extents)) {
    std::vector<float> values(count);
    for (float& v : values) v = normal(generator);
    in_.push_back(std::make_unique<DeviceArray<float>>(values));
    host_.push_back(std::move(values));
  }
}

Arrays Bench::arrays() const {
  Arrays a;
  a.extents = extents_;
  for (std::size_t i = 0; i < in_.size(); ++i) a.in[i] = in_[i]->get();
  a.out = out_.get();
  a.scratch = scratch_.get();
  return a;
}

void Bench::check(const Version& version) {
  // What was there from another version shall not pass for this one's result.
  must(cudaMemset(out_.get(), 0xff, out_.size() * sizeof(float)), "cudaMemset");
  version.run(arrays());
  const std::vector<float> got = out_.download();
  const std::vector<double> want = ladder_.reference(extents_, host_);
  for (std::size_t i = 0; i < want.size(); ++i)
    if (!(std::fabs(got[i] - want[i]) <= ladder_.tolerance * (1 + std::fabs(want[i]))))
      throw Error(std::string(ladder_.name) + " " + version.name + ": number " + std::to_string(i) + " is " +
                  std::to_string(got[i]) + ", and should be " + std::to_string(want[i]));
}

}  // namespace tenfold::inline TENFOLD_ON::ladder
