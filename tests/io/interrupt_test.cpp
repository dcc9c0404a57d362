// Ctrl-C as a request: the first is noted, the second ends the program.
#include "io/interrupt.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

using tenfold::InterruptGuard;

namespace {

int status_of_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Away with the handlers of the test program.
    for (int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("the first signal is noted") {
  for (int signal : {SIGINT, SIGTERM}) {
    const InterruptGuard guard;
    CHECK(!InterruptGuard::requested());
    std::raise(signal);
    CHECK(InterruptGuard::requested());
    CHECK(InterruptGuard::signal() == signal);
  }
  CHECK(!InterruptGuard::requested());
}

TEST_CASE("the second signal ends the program, of either kind") {
  for (int first : {SIGINT, SIGTERM})
    for (int second : {SIGINT, SIGTERM}) {
      const int status = status_of_child([&] {
        const InterruptGuard guard;
        std::raise(first);
        std::raise(second);
      });
      CHECK(WIFSIGNALED(status));
      CHECK(WTERMSIG(status) == second);
    }
}

TEST_CASE("after the guard the first signal ends the program again") {
  const int status = status_of_child([] {
    {
      const InterruptGuard guard;
      std::raise(SIGINT);
    }
    std::raise(SIGINT);
  });
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("an ignored signal stays ignored") {
  const int status = status_of_child([] {
    std::signal(SIGINT, SIG_IGN);
    const InterruptGuard guard;
    std::raise(SIGINT);
    if (InterruptGuard::requested()) ::_exit(1);
    std::raise(SIGTERM);
    std::raise(SIGINT);
    if (InterruptGuard::signal() != SIGTERM) ::_exit(1);
  });
  CHECK(status == 0);
}
