/// @file
/// How a device is chosen by name, for who wants to be told when "auto" passes over a card.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "backend/kernels.hpp"

namespace tenfold::inline TENFOLD_REAL {

/// Hears, in one line, why a card that is there is not used.
using Notice = std::function<void(const std::string&)>;

/// As make_kernels() of two arguments. `notice` may be empty.
std::unique_ptr<Kernels> make_kernels(std::string_view device, int threads, const Notice& notice);

/// What `make` gives, or the CPU's kernels where it throws CudaError (no code for the card, no cuBLAS): `notice` hears
/// its words.
std::unique_ptr<Kernels> usable_or_cpu(const std::function<std::unique_ptr<Kernels>()>& make, int threads,
                                       const Notice& notice);

}  // namespace tenfold::inline TENFOLD_REAL
