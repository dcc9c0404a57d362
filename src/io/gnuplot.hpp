/// @file
/// Runs gnuplot on a script. The script goes in and the picture comes out through unnamed temporary files: no
/// shell, no file names in the script, nothing left behind.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace tenfold {

/// A kind of picture, told by a file's extension.
enum class PictureKind { svg, png };

/// The kind `output` asks for. Throws UsageError unless it ends in .svg or .png.
PictureKind picture_kind(const std::filesystem::path& output);

/// The line of a script that chooses kind and size (in pixels).
std::string terminal_line(PictureKind kind, int width, int height);

/// `text` as a string constant of gnuplot that shows exactly that text, wherever it comes from: nothing in it
/// is taken for markup, a number format, a command or the end of the string. Control characters show as
/// escapes ("\n"); what is longer than 24 characters is shortened.
std::string label(std::string_view text);

/// About how many letters of common width a label takes.
std::size_t label_columns(std::string_view text);

/// The picture a script draws. Throws IoError when gnuplot is not installed or fails.
std::string run_gnuplot(const std::string& script);

}  // namespace tenfold
