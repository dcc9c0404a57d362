/// @file
/// Saying what went wrong: who, where, and which rule.
#include <fmt/format.h>
#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <vector>

#include "emulator/device_memory.hpp"
#include "emulator/scheduler.hpp"

namespace tenfold::emulator {

std::string place(std::source_location at) {
  const std::string_view path = at.file_name();
  const std::size_t slash = path.rfind('/');
  const std::size_t folder = slash == path.npos || slash == 0 ? path.npos : path.rfind('/', slash - 1);
  return fmt::format("{}:{}", folder == path.npos ? path : path.substr(folder + 1), at.line());
}

namespace {

// Reads the symbol table: a kernel has internal linkage, so the dynamic linker does not know its name.
std::string mangled_name(std::uintptr_t address) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const auto read = [&](std::size_t from, void* to, std::size_t bytes) {
    return static_cast<bool>(file.seekg(static_cast<std::streamoff>(from)).read(static_cast<char*>(to),
                                                                               static_cast<std::streamsize>(bytes)));
  };
  ElfW(Ehdr) header;
  if (!read(0, &header, sizeof header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return {};
  std::vector<ElfW(Shdr)> sections(header.e_shnum);
  if (!read(header.e_shoff, sections.data(), sections.size() * sizeof(ElfW(Shdr)))) return {};
  // A position-independent program is loaded somewhere; the first object in the linker's list is the program.
  std::uintptr_t base = 0;
  dl_iterate_phdr([](dl_phdr_info* info, std::size_t, void* out) {
    *static_cast<std::uintptr_t*>(out) = info->dlpi_addr;
    return 1;
  }, &base);
  for (const auto& section : sections) {
    if (section.sh_type != SHT_SYMTAB) continue;
    std::vector<ElfW(Sym)> symbols(section.sh_size / sizeof(ElfW(Sym)));
    if (!read(section.sh_offset, symbols.data(), section.sh_size)) return {};
    for (const auto& symbol : symbols) {
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value != address - base) continue;
      char name[1024] = {};
      file.clear();
      read(sections[section.sh_link].sh_offset + symbol.st_name, name, sizeof name - 1);
      return name;
    }
  }
  return {};
}

std::string triple(unsigned x, unsigned y, unsigned z) { return fmt::format("({},{},{})", x, y, z); }

}  // namespace

std::string function_name(const void* address) {
  const std::string mangled = mangled_name(reinterpret_cast<std::uintptr_t>(address));
  if (mangled.empty()) return "?";
  int status = 0;
  char* plain = abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status);
  std::string name = plain ? plain : mangled;
  std::free(plain);
  // "void (anonymous namespace)::k<64>(float*)" to "k<64>": without result, namespaces and arguments.
  int depth = 0;
  std::size_t begin = 0, end = name.size();
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.compare(i, 21, "(anonymous namespace)") == 0) {
      i += 20;
      continue;
    }
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (depth == 0 && name[i] == '(') {
      end = i;
      break;
    }
    if (depth == 0 && (name[i] == ' ' || name[i] == ':')) begin = i + 1;
  }
  return name.substr(begin, end - begin);
}

std::string Scheduler::who() const {
  std::string text = fmt::format("kernel {} launched at {}, block {}", function_name(launch_.kernel), place(launch_.at),
                                 triple(blockIdx.x, blockIdx.y, blockIdx.z));
  if (current_) text += ", thread " + triple(current_->index.x, current_->index.y, current_->index.z);
  return text;
}

// Nothing on the stack that is left here may hold memory: nobody comes back to free it.
void Scheduler::fail(std::string what) {
  if (!current_) broken_rule("emulator: " + what);
  error_ = who() + ": " + what;
  std::string().swap(what);
  release(&end_);
  current_->fiber->switch_to(host_);
  std::abort();
}

void Scheduler::fail(const Thread& thread, std::string what, bool with_others) {
  Fiber* const here = current_->fiber;
  current_ = const_cast<Thread*>(&thread);
  error_ = who() + ", " + place(thread.at) + ": " + what;
  if (with_others) error_ += ": " + summary();
  std::string().swap(what);
  release(&end_);
  here->switch_to(host_);
  std::abort();
}

bool Scheduler::is_stack_overflow(const void* address) const {
  for (const auto& fiber : fibers_)
    if (fiber->in_guard_page(address)) return true;
  return false;
}

// "96 wait in a barrier at a.cu:10 (first: thread 0); 32 have left (first: thread 96)"
std::string Scheduler::summary() const {
  struct Group {
    int count = 0, first = 0;
  };
  std::map<std::string, Group> groups;
  for (int i = 0; i < count_; ++i) {
    const Thread& thread = threads_[i];
    std::string where;
    switch (thread.state) {
      case Thread::State::left: where = "have left the kernel"; break;
      case Thread::State::at_barrier: where = "wait in __syncthreads at " + place(thread.at); break;
      case Thread::State::in_warp:
        where = fmt::format("wait in a warp operation at {} (mask {:#010x})", place(thread.at), thread.mask);
        break;
      default: where = "can go on"; break;
    }
    Group& group = groups[where];
    if (group.count++ == 0) group.first = i;
  }
  std::string text;
  for (const auto& [where, group] : groups)
    text += fmt::format("{}{} {}, number {} first", text.empty() ? "" : "; ", group.count, where, group.first);
  return text;
}

void Scheduler::report_deadlock() {
  const Thread* barrier = nullptr;
  const Thread* warp = nullptr;
  for (int i = count_ - 1; i >= 0; --i) {
    if (threads_[i].state == Thread::State::at_barrier) barrier = &threads_[i];
    if (threads_[i].state == Thread::State::in_warp) warp = &threads_[i];
  }
  // A warp operation that waits for a lane at a barrier is the one to blame: its mask names who does not come.
  if (warp) fail(*warp, "a warp operation waits for lanes of its mask that do not come", true);
  fail(*barrier, "a barrier waits for threads of its block that do not come", true);
}

}  // namespace tenfold::emulator
