/// @file
/// The folder of a training run, and the checkpoints in it:
///
///     RUN/checkpoint-00001200/   one folder per checkpoint, named after its step
///     RUN/last, RUN/best         symbolic links to two of them
///
/// A checkpoint is written to a hidden temporary folder, brought to the disk, renamed to its name, and only
/// then does `last` swing to it, each in one atomic step: whenever the process is killed, `last` leads to a
/// whole checkpoint (or is not there yet). What a killed process left behind is removed when the next one
/// opens the store. One process at a time may save to a run. Every failure is an IoError of one line.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tenfold {

/// The checkpoints of one run.
class CheckpointStore {
 public:
  /// One saved state.
  struct Checkpoint {
    std::int64_t step;           ///< optimizer steps done
    std::filesystem::path path;  ///< its folder
  };

  /// Opens the folder of a run, creates it where it is missing and removes leftovers of processes that are
  /// gone. Pruning keeps the newest `keep` checkpoints, and always what `last` and `best` lead to.
  explicit CheckpointStore(std::filesystem::path run_folder, std::size_t keep = 1);

  /// True if the folder holds a checkpoint.
  bool has_run() const { return !checkpoints().empty(); }

  /// Saves a checkpoint: `write_contents` is called with an empty folder and fills it. A checkpoint of the
  /// same step is replaced. An exception of `write_contents` passes through and leaves everything as it was.
  /// Then prunes.
  void save(std::int64_t step,
            const std::function<void(const std::filesystem::path& temporary_folder)>& write_contents);

  /// Lets `best` lead to the checkpoint of that step, which must be there. Then prunes.
  void mark_best(std::int64_t step);

  /// All checkpoints, oldest first.
  std::vector<Checkpoint> checkpoints() const;
  /// Where `last` leads: the newest; nothing when there is none.
  std::optional<Checkpoint> last() const { return target_of("last"); }
  /// Where `best` leads; nothing before the first mark_best().
  std::optional<Checkpoint> best() const { return target_of("best"); }

  /// The run's folder.
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::optional<Checkpoint> target_of(const char* link) const;
  void put_in_place(const std::filesystem::path& temporary, std::int64_t step) const;
  void swing(const char* link, std::int64_t step) const;
  void prune() const;
  void remove_leftovers() const;

  std::filesystem::path folder_;
  std::size_t keep_;
};

/// The checkpoint folder a user means: `path` itself if it holds model.safetensors, else where its `best`
/// leads, else where its `last` leads. The answer names the checkpoint, not the link, so that it stays the
/// same while a training run goes on. Throws IoError "no checkpoint in PATH: expected model.safetensors or
/// best/last".
std::filesystem::path resolve_checkpoint(const std::filesystem::path& path);

}  // namespace tenfold
