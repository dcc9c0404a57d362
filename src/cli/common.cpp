#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend/registry.hpp"
#include "cli/commands.hpp"
#include "core/errors.hpp"

namespace tenfold::cli {
namespace {

void check_output(bool written) {
  if (written) return;
  if (errno == EPIPE) std::_Exit(0);  // the reader has all it wanted
  throw IoError(fmt::format("cannot write standard output: {}", std::strerror(errno)));
}

}  // namespace

void end_interrupted(int signal) { throw CLI::RuntimeError(128 + signal); }

void DeviceOptions::declare(CLI::App& command) {
  command.add_option("--device", device,
                     "cpu, cuda (a card; TENFOLD_TF32=1 in the environment trades digits for speed), auto (cuda where a card "
                     "can be used, else cpu), reference (plain loops, slow), or cuda-emulated (cuda's kernels on the cpu, slower)")
      ->capture_default_str();
  command.add_option("--threads", threads, "processor threads; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

std::unique_ptr<Kernels> DeviceOptions::make() const { return make_kernels(device, threads, warn); }

CLI::Validator whole_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        std::int64_t value = 0;
        const char* end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc::result_out_of_range && text[0] != '-') return text + " is too large";
        return error == std::errc() && stop == end && value >= 0 ? "" : "must be a whole number from 0, got " + text;
      },
      "");
}

void print_line(const std::string& line) {
  check_output(std::fwrite(line.data(), 1, line.size(), stdout) == line.size() && std::fputc('\n', stdout) != EOF);
}

void flush_output() { check_output(std::fflush(stdout) == 0); }

void say(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void warn(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  say("tenfold: " + text + "\n");
}

namespace {
std::string program = "tenfold";
}

const std::string& program_name() { return program; }
void set_program_name(std::string name) { program = std::move(name); }

}  // namespace tenfold::cli
