#include "io/json_file.hpp"

#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "io/atomic_file.hpp"

namespace tenfold {

nlohmann::json read_json(const std::filesystem::path& path) {
  nlohmann::json j = nlohmann::json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (j.is_discarded()) throw DataError(path.string() + ": this is not valid JSON");
  return j;
}

}  // namespace tenfold
