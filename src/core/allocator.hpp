/// @file
/// Allocator: keeps what a device once gave, so that a training step after the first asks the system for nothing.
///
/// Memory comes from a MemorySource in large segments. A segment is carved into blocks by best fit; a freed block
/// merges with its free neighbours. Blocks are aligned to 64 bytes. Thread-safe. When the source has nothing left, the
/// segments that are wholly free go back to it, and it is asked once more.
///
/// The last few small blocks that were freed are set aside whole, for whoever asks for just that size next: a decoder's step
/// takes the same few sizes some seventy times, and to merge and to cut them took a twentieth of it.
///
/// With guards on (the tests turn them on), every block is filled with NaN when handed out, ends in a canary on both
/// sides, and release() throws std::logic_error when a canary was overwritten (from a tensor's destructor: the
/// program ends with that message).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace tenfold {

/// Where segments come from: the system's memory or a device's.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// At least `bytes` of memory aligned to 64 bytes; nullptr when there is none.
  virtual void* obtain(std::size_t bytes) = 0;
  /// Takes back what obtain(bytes) gave.
  virtual void give_back(void* memory, std::size_t bytes) noexcept = 0;
  /// Whether the host may read and write the memory (guards need that).
  virtual bool host_accessible() const = 0;
  /// The least that is worth asking for at once; 0: every block is obtained and given back by itself, not kept.
  virtual std::size_t segment_bytes() const = 0;
};

/// Anonymous pages of the system, on huge pages where the system grants them.
class SystemMemory final : public MemorySource {
 public:
  void* obtain(std::size_t bytes) override;
  void give_back(void* memory, std::size_t bytes) noexcept override;
  bool host_accessible() const override { return true; }
  /// 1 GiB: large, since the system gives a page only when it is first touched, and a block that is freed in one segment
  /// is no room for what goes on in another.
  std::size_t segment_bytes() const override;
  /// Another size for all instances; tests make it small, so that it shows when a segment does not suffice.
  static void set_segment_bytes(std::size_t bytes);
};

/// A device's memory; see the head of this file. Not copied: others hold its pointers.
class Allocator {
 public:
  /// What was asked of it so far.
  struct Stats {
    std::uint64_t segments = 0;        ///< how often the source was asked
    std::uint64_t allocations = 0;     ///< how often we were asked
    std::size_t reserved_bytes = 0;    ///< held from the source
    std::size_t used_bytes = 0;        ///< handed out now
    std::size_t peak_bytes = 0;        ///< most that was ever handed out at once
  };

  /// With guards only where the source's memory can be reached from the host.
  explicit Allocator(std::unique_ptr<MemorySource> source, bool guards = guards_by_default());
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  /// Throws Error when the memory cannot be had. Zero bytes give a valid, distinct pointer.
  void* allocate(std::size_t bytes);
  /// `memory` must come from allocate() and not have been released.
  void release(void* memory);

  /// Whether the host may read and write the memory.
  bool host_accessible() const { return source_->host_accessible(); }
  /// A snapshot.
  Stats stats() const;

  /// Guards for every allocator made from now on.
  static void set_guards_by_default(bool on);
  /// Whether an Allocator made now has guards.
  static bool guards_by_default();

 private:
  struct Books;  // what is where; in the .cpp file, so that everyone who allocates need not read <map>, <mutex> and <set>

  std::unique_ptr<MemorySource> source_;
  std::unique_ptr<Books> books_;
};

}  // namespace tenfold
