// Tensor: sharing, views, and what it refuses.
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "core/tensor.hpp"

using namespace tenfold;

namespace {

class HostDevice final : public Device {
 public:
  HostDevice() : Device(std::make_unique<SystemMemory>()) {}
  std::string_view name() const override { return "host"; }
  void upload(void* to, const void* from, std::size_t bytes) override { move(to, from, bytes); }
  void download(void* to, const void* from, std::size_t bytes) override { move(to, from, bytes); }

 private:
  // An empty tensor's host values may be at no address, which memcpy does not take.
  static void move(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
};

using Doubles = TensorOf<double>;
using Values = std::vector<double>;

}  // namespace

TEST_CASE("values come back as they went in") {
  HostDevice device;
  const auto t = Doubles::from(device, {2, 3}, Values{1, 2, 3, 4, 5, 6});
  CHECK(t.to_host() == Values{1, 2, 3, 4, 5, 6});
  CHECK(t.dim(-1) == 3);
  CHECK(Doubles::full(device, {2}, 7).to_host() == Values{7, 7});
  CHECK(Doubles::full(device, {1}, 7).item() == 7);
  CHECK(Doubles::empty(device, {0, 4}).to_host().empty());
}

TEST_CASE("a tensor is immutable once shared") {
  HostDevice device;
  auto a = Doubles::full(device, {2}, 1);
  a.mutable_data()[0] = 5;
  {
    auto b = a;
    CHECK_FALSE(a.unique());
    CHECK_THROWS_WITH_AS(a.mutable_data(), "tensor: mutable_data() on shared storage", std::logic_error);
    CHECK_THROWS_AS(b.mutable_data(), std::logic_error);
  }
  CHECK_NOTHROW(a.mutable_data());
  const auto view = a.reshaped({1, 2});
  CHECK_THROWS_AS(a.mutable_data(), std::logic_error);
  CHECK_THROWS_AS(Doubles().mutable_data(), std::logic_error);
}

TEST_CASE("views share storage and give it back with the last handle") {
  HostDevice device;
  {
    Doubles middle;
    {
      const auto t = Doubles::from(device, {4, 2}, Values{0, 1, 2, 3, 4, 5, 6, 7});
      middle = t.rows(1, 2);
      CHECK(middle.data() == t.data() + 2);
      CHECK(middle.rows(1, 1).to_host() == Values{4, 5});
      CHECK(t.reshaped({2, 4}).rows(1, 1).to_host() == Values{4, 5, 6, 7});
      CHECK(t.rows(4, 0).size() == 0);
    }
    CHECK(middle.to_host() == Values{2, 3, 4, 5});
    CHECK(device.memory().stats().used_bytes > 0);
  }
  CHECK(device.memory().stats().used_bytes == 0);
}

TEST_CASE("a tensor refuses what does not fit") {
  HostDevice device;
  CHECK_THROWS_WITH_AS(Doubles::from(device, {2, 3}, Values{1, 2}), "tensor: [2, 3] needs 6 values, got 2", ShapeError);
  const auto t = Doubles::full(device, {2, 3}, 0);
  CHECK_THROWS_WITH_AS(t.reshaped({4}), "reshape: sizes must agree, got [2, 3] to [4]", ShapeError);
  CHECK_THROWS_WITH_AS(t.rows(1, 2), "rows: [1, 3) is outside [2, 3]", ShapeError);
  CHECK_THROWS_AS(t.rows(-1, 1), ShapeError);
  CHECK_THROWS_WITH_AS(t.item(), "item: one value expected, got [2, 3]", ShapeError);
  const Index huge = Index{1} << 62;
  CHECK_THROWS_WITH_AS(Doubles::empty(device, {huge}), "tensor: [4611686018427387904] overflows the address space",
                       ShapeError);
}
