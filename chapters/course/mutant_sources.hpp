/// @file
/// The faults of a solution that its grader must notice, as a table, and all of them as one file to compile.
#pragma once
#include <string>
#include <vector>

namespace tenfold::course {

/// One fault. The table has blocks of "key value" lines, and # begins a comment:
///
///     mutant ID             breaks WHAT THE FAULT IS
///     find   TEXT           occurs exactly once in the solution; \n is a line break
///     write  TEXT           stands in its place; may be empty
///     fails  CHECK: TEXT    the check that must fail, and a part of its message
struct Mutant {
  std::string id;       ///< what it is called
  std::string breaks;   ///< what the fault is
  std::string find;     ///< in the solution
  std::string write;    ///< instead
  std::string check;    ///< that must fail
  std::string message;  ///< a part of what it must say
};

/// The environment variable that tells a program with all mutants which one to be.
inline constexpr const char* mutant_variable = "TENFOLD_MUTANT";

/// Reads such a table. Throws DataError that names the place.
std::vector<Mutant> read_mutants(const std::string& path);

/// All mutants of a solution, each in a namespace of its own within `exercise`, and for every function that the exercise's
/// header declares there one that calls the chosen mutant's. Compiling a hundred small files takes longer than compiling
/// them together, and so does linking. A solution must not define members of the header's classes, nor pass an object of
/// them to another of its functions (it would be looked for in both namespaces). Throws DataError where a fault cannot be
/// made, or a declaration is not understood.
std::string joined_mutants(const std::vector<Mutant>& mutants, const std::string& header, const std::string& solution);

}  // namespace tenfold::course
