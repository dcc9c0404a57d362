// Loops split over threads: every piece once, and what happens in one that throws.
#include "backend/parallel.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

using namespace tenfold;

TEST_CASE("every task is done once, on any number of threads") {
  for (int threads : {1, 2, 5})
    for (Index n : {0, 1, 2, 100}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(n));
      parallel_tasks(threads, n, [&](Index i) { ++done[static_cast<std::size_t>(i)]; });
      for (const auto& count : done) CHECK(count == 1);
    }
}

TEST_CASE("a task's exception comes through") {
  for (int threads : {1, 2}) {
    CHECK_THROWS_WITH_AS(parallel_tasks(threads, 8,
                                        [](Index i) {
                                          if (i == 3) throw std::runtime_error("the third");
                                        }),
                         "the third", std::runtime_error);
  }
}

TEST_CASE("an exception in a piece of a loop comes through, and the other pieces are done") {
  for (int threads : {1, 3}) {
    std::atomic<Index> done{0};
    CHECK_THROWS_WITH_AS(parallel_ranges(threads, 99, 1, 1,
                                         [&](Index begin, Index end, int) {
                                           if (end == 99) throw std::runtime_error("the last");
                                           done += end - begin;
                                         }),
                         "the last", std::runtime_error);
    CHECK(done == (threads == 1 ? 0 : 66));
  }
}

TEST_CASE("a loop within a task is cut into the same pieces, and stays in its thread") {
  struct Piece {
    Index begin, end;
    int number;
    bool operator==(const Piece&) const = default;
  };
  const auto pieces_of = [](std::vector<Piece>& pieces) {
    pieces.resize(3);
    parallel_ranges(3, 100, 1, 8,
                    [&](Index begin, Index end, int piece) { pieces[static_cast<std::size_t>(piece)] = {begin, end, piece}; });
  };
  std::vector<Piece> outside;
  pieces_of(outside);
  std::vector<std::vector<Piece>> inside(4);
  std::atomic<int> strangers{0};
  parallel_tasks(2, 4, [&](Index i) {
    const int thread = omp_get_thread_num();
    pieces_of(inside[static_cast<std::size_t>(i)]);
    parallel_ranges(3, 100, 1, 8, [&](Index, Index, int) { strangers += omp_get_thread_num() != thread; });
  });
  for (const auto& pieces : inside) CHECK(pieces == outside);
  CHECK(strangers == 0);
}
