// The CUDA backend's cross-entropy against the reference: ignored rows, smoothing, vocabularies of any size.
#include "cuda/device_under_test.hpp"

using namespace tenfold;

namespace {

struct Case {
  CrossEntropyRows rows;
  Values logits, bias;
  Ids targets;
};

Case make_case(Index rows, Index classes, Real smoothing) {
  Case c{{rows, classes, -1, smoothing}, uniform_values(rows * classes, 1), uniform_values(classes, 2), {}};
  for (Real& v : c.logits) v *= 4;
  c.targets = random_ids(rows, static_cast<std::uint32_t>(classes), 3);
  for (std::size_t r = 0; r < c.targets.size(); r += 3) c.targets[r] = -1;
  if (!c.targets.empty()) c.targets.back() = static_cast<std::int32_t>(classes - 1);
  return c;
}

/// Calls body for shapes below, at and beyond what a warp and a block have at once.
void for_cases(const std::function<void(const Case&)>& body) {
  const Index shapes[][2] = {{0, 5}, {1, 1}, {9, 2}, {4, 256}, {5, 257}, {37, 33}, {3, 512}, {2, 513}, {6, 1000}, {70, 40}, {300, 7}};
  for (const auto& [rows, classes] : shapes)
    for (Real smoothing : {Real{0}, Real(0.1)}) {
      CAPTURE(rows);
      CAPTURE(classes);
      CAPTURE(smoothing);
      body(make_case(rows, classes, smoothing));
    }
}

}  // namespace

TEST_CASE("cuda cross entropy: losses for vocabularies of any size") {
  for_cases([](const Case& c) {
    compare_on_device({c.rows.rows, c.rows.rows}, 32, [&](DeviceRun& run) {
      run.kernels().cross_entropy(c.rows, run.put(c.logits), run.put(c.targets), run.out(0), run.out(1));
    });
  });
}

TEST_CASE("cuda cross entropy backward, in place too") {
  for_cases([](const Case& c) {
    const Values log_sums = uniform_values(c.rows.rows, 4);
    const Index size = c.rows.rows * c.rows.classes;
    for (bool in_place : {false, true}) {
      CAPTURE(in_place);
      compare_on_device({size}, 128, [&](DeviceRun& run) {
        const Real* logits = run.put(c.logits);
        if (in_place) run.kernels().copy(logits, run.out(0), size);
        run.kernels().cross_entropy_backward(c.rows, in_place ? run.out(0) : logits, run.put(c.targets), run.put(log_sums),
                                             Real(0.25), run.out(0));
      });
    }
  });
}

TEST_CASE("cuda cross entropy with its gradient: bias, loss and column sums at once") {
  for_cases([](const Case& c) {
    const Index size = c.rows.rows * c.rows.classes;
    compare_on_device({size, c.rows.rows, c.rows.rows, c.rows.classes}, 64 + static_cast<double>(c.rows.rows),
                      [&](DeviceRun& run) {
                        run.kernels().copy(run.put(c.logits), run.out(0), size);
                        run.kernels().cross_entropy_gradient(c.rows, run.put(c.bias), run.put(c.targets), Real(0.25),
                                                             run.out(0), run.out(1), run.out(2), run.out(3));
                      });
  });
}

TEST_CASE("cuda cross entropy: logits of 1000 and -1000 are no matter") {
  for (Index classes : {20, 700}) {
    Case c = make_case(3, classes, 0);
    for (Real& v : c.logits) v *= 250;
    compare_on_device({3, 3}, 32, [&](DeviceRun& run) {
      run.kernels().cross_entropy(c.rows, run.put(c.logits), run.put(c.targets), run.out(0), run.out(1));
    });
  }
}
