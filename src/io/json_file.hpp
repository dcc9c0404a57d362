/// @file
/// A file that holds JSON.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace tenfold {

/// What it holds. Throws IoError when it cannot be read, DataError "PATH: this is not valid JSON".
nlohmann::json read_json(const std::filesystem::path& path);

}  // namespace tenfold
