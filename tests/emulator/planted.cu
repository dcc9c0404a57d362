/// @file
/// Runs one planted bug: planted NAME; without a name every case without its bug, which must find nothing.
#include "planted.hpp"

#include <cstdio>
#include <cstring>

int main(int count, char** words) {
  using namespace tenfold::planted;
  const char* const wanted = count > 1 ? words[1] : nullptr;
  bool found = false;
  try {
    for (const auto& cases : {barrier_cases(), warp_cases(), memory_cases(), stream_cases(), runtime_cases()})
      for (const Planted& planted : cases) {
        if (wanted && std::strcmp(wanted, planted.name) != 0) continue;
        found = true;
        planted.run(wanted != nullptr);
      }
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
  if (!found) {
    std::printf("no such bug: %s\n", wanted);
    return 2;
  }
}
