#include "io/gnuplot.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "core/errors.hpp"
#include "io/descriptor.hpp"

extern char** environ;  // NOLINT: as POSIX names it

namespace tenfold {
namespace {

/// A file without a name, gone with the program.
Descriptor unnamed_file() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(::tmpfile(), ::fclose);
  Descriptor copy(file ? ::dup(::fileno(file.get())) : -1);
  if (!copy) throw_io_error("create a file in", fs::path(P_tmpdir), errno);
  return copy;
}

std::string content_of(const Descriptor& file) {
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  ::lseek(file.get(), 0, SEEK_SET);
  std::string content(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  content.resize(read_up_to(file, std::as_writable_bytes(std::span<char>(content)), "gnuplot's output"));
  return content;
}

/// Starts gnuplot with these as its standard streams and waits for it; returns its wait status.
int run_with_streams(const std::array<int, 3>& streams) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (int stream = 0; stream < 3; ++stream)
    ::posix_spawn_file_actions_adddup2(&actions, streams[static_cast<std::size_t>(stream)], stream);
  // -d: no start-up files of the user, which could change the picture.
  std::string name = "gnuplot", plain = "-d";
  const std::array<char*, 3> arguments{name.data(), plain.data(), nullptr};
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, "gnuplot", &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT)
    throw IoError("cannot draw: gnuplot is not installed (Debian and Ubuntu: apt install gnuplot-nox)");
  if (error != 0) throw_io_error("run", "gnuplot", error);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0)
    if (errno != EINTR) throw_io_error("run", "gnuplot", errno);
  return status;
}

/// gnuplot's complaint: of the lines it writes (the script's line, a caret, the reason) the last that is not
/// empty.
std::string last_line(std::string_view text) {
  const auto end = text.find_last_not_of(" \n");
  if (end == text.npos) return "it gave no reason";
  text = text.substr(0, end + 1);
  return in_quotes(text.substr(text.rfind('\n') + 1));
}

/// Length in bytes of the UTF-8 character that starts with `lead`.
std::size_t character_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// One character as a label shows it.
std::string visible(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  if (character == "\n") return "\\n";
  if (character == "\t") return "\\t";
  if (first < 0x20 || first == 0x7F) return fmt::format("\\x{:02x}", first);
  // Two code points that no XML file may hold, and so no SVG.
  if (character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF") return "\xEF\xBF\xBD";
  return std::string(character);
}

/// The characters of a label, shortened.
std::vector<std::string> visible_characters(std::string_view text) {
  constexpr std::size_t longest = 24;
  std::vector<std::string> out;
  while (!text.empty()) {
    if (out.size() == longest) {
      out.push_back("…");
      break;
    }
    const std::size_t length = std::min(character_length(text.front()), text.size());
    out.push_back(visible(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

PictureKind picture_kind(const fs::path& output) {
  const std::string extension = output.extension().string();
  if (extension == ".svg") return PictureKind::svg;
  if (extension == ".png") return PictureKind::png;
  throw UsageError("cannot draw " + output.string() + ": the name of a picture must end in .svg or .png");
}

std::string terminal_line(PictureKind kind, int width, int height) {
  const bool svg = kind == PictureKind::svg;
  return fmt::format(
      "set encoding utf8\nset terminal {} size {},{} font '{}' noenhanced background rgb 'white'\n",
      svg ? "svg" : "pngcairo", width, height, svg ? "Helvetica,Arial,sans-serif,14" : "Sans,11");
}

std::string label(std::string_view text) {
  // Between single quotes only the quote itself is special; and tick labels pass through a number format.
  std::string out = "'";
  for (const std::string& character : visible_characters(text))
    out += character == "'" ? "''" : character == "%" ? "%%" : character;
  return out + "'";
}

std::size_t label_columns(std::string_view text) {
  std::size_t columns = 0;
  // Three bytes and more: mostly the wide characters of East Asia.
  for (const std::string& character : visible_characters(text))
    columns += static_cast<unsigned char>(character.front()) >= 0xE0   ? 2
               : static_cast<unsigned char>(character.front()) >= 0x80 ? 1
                                                                       : character.size();
  return columns;
}

std::string run_gnuplot(const std::string& script) {
  const Descriptor input = unnamed_file(), output = unnamed_file(), errors = unnamed_file();
  write_all(input, bytes_of(script), "the script of a plot");
  ::lseek(input.get(), 0, SEEK_SET);
  const int status = run_with_streams({input.get(), output.get(), errors.get()});
  const std::string picture = content_of(output);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || picture.empty())
    throw IoError("cannot draw: gnuplot failed: " + last_line(content_of(errors)));
  return picture;
}

}  // namespace tenfold
