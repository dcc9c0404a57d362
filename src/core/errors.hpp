/// @file
/// The errors tenfold throws. Every message is one line that names the operation or file, the rule that was
/// broken and what was found; the command prints it after "tenfold: " and exits 1 (2 for UsageError).
#pragma once
#include <stdexcept>
#include <string>

namespace tenfold {

/// Base of all errors a caller may want to catch.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Shapes that do not fit an operation: "matmul: inner dimensions must agree, got [4, 3] and [4, 5]".
struct ShapeError : Error {
  using Error::Error;
};
/// A file or stream that could not be read or written.
struct IoError : Error {
  using Error::Error;
};
/// Input that could be read but breaks a rule of its format.
struct DataError : Error {
  using Error::Error;
};
/// A CUDA call that failed, or a CUDA device that is not there.
struct CudaError : Error {
  using Error::Error;
};
/// A request that makes no sense: an unknown preset, options that exclude each other.
struct UsageError : Error {
  using Error::Error;
};

}  // namespace tenfold
