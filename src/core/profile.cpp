#include "core/profile.hpp"

#include <algorithm>

namespace tenfold {
namespace {

void merge(Profile::Row& into, const Profile::Row& row) {
  into.seconds += row.seconds;
  into.work.flops += row.work.flops;
  into.work.bytes += row.work.bytes;
  into.calls += row.calls;
}

}  // namespace

int Profile::enter_layer(std::string_view name) {
  const int before = layer_;
  const auto known = std::find(layers_.begin(), layers_.end(), name);
  layer_ = static_cast<int>(known - layers_.begin());
  if (known == layers_.end()) layers_.emplace_back(name);
  return before;
}

void Profile::add(const Span& span, double seconds) {
  Row& row = rows_[{span.layer_, span.name_, span.direction_}];
  merge(row, {{}, {}, seconds, span.work_, 1});
}

std::vector<Profile::Row> Profile::by_operation() const {
  std::map<std::pair<std::string_view, Direction>, Row> sums;
  for (const auto& [key, row] : rows_) {
    const auto& [layer, name, direction] = key;
    Row& sum = sums[{name, direction}];
    sum.name = name;
    sum.direction = direction;
    merge(sum, row);
  }
  std::vector<Row> out;
  for (auto& [key, row] : sums) out.push_back(std::move(row));
  std::stable_sort(out.begin(), out.end(), [](const Row& a, const Row& b) { return a.seconds > b.seconds; });
  return out;
}

std::vector<Profile::Row> Profile::by_layer() const {
  std::map<std::pair<int, Direction>, Row> sums;
  for (const auto& [key, row] : rows_) {
    const auto& [layer, name, direction] = key;
    Row& sum = sums[{layer, direction}];
    sum.name = layers_[static_cast<std::size_t>(layer)];
    sum.direction = direction;
    merge(sum, row);
  }
  std::vector<Row> out;
  for (auto& [key, row] : sums) out.push_back(std::move(row));
  return out;
}

void Profile::clear() {
  rows_.clear();
  steps_ = 0;
  step_seconds_ = 0;
}

double Profile::seconds() const {
  double sum = 0;
  for (const auto& [key, row] : rows_) sum += row.seconds;
  return sum;
}

Work Profile::work() const {
  Row sum;
  for (const auto& [key, row] : rows_) merge(sum, row);
  return sum.work;
}

}  // namespace tenfold
