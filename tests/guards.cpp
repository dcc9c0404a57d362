// Test programs with this file have memory that is NaN when new and guarded at both ends (core/allocator.hpp).
#include "core/allocator.hpp"

namespace {
[[maybe_unused]] const bool guards = (tenfold::Allocator::set_guards_by_default(true), true);
}
