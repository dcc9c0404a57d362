#include "cli/console.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "cli/commands.hpp"

namespace tenfold::cli {

std::string clock_time(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60) : fmt::format("{}:{:02}", s / 60, s % 60);
}

namespace {

// How many characters fit on a line of the terminal.
std::size_t columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Console::Console() : terminal_(isatty(STDERR_FILENO) != 0) {}

void Console::on_step(const StepReport& r) {
  const double interval = terminal_ ? 0.2 : 10;  // seconds
  if (r.seconds - last_shown_ < interval) return;
  last_shown_ = r.seconds;
  const std::string left = r.seconds_left < 0 ? "" : "  " + clock_time(r.seconds_left) + " left";
  std::string line =
      fmt::format("epoch {}  step {}  loss {:.3f}  {:.0f} tokens/s  {}{}  rate {:.1e}  gradient {:.2f}", r.epoch, r.step,
                  r.loss, r.tokens_per_second, clock_time(r.seconds), left, r.learning_rate, r.gradient_norm);
  // A line that wraps cannot renew itself; what matters least stands last and is cut first.
  if (terminal_) line.resize(std::min(line.size(), columns() - 1));
  say(terminal_ ? "\r\x1b[2K" + line : line + "\n");
  line_open_ = terminal_;
}

void Console::on_validation(const ValidationReport& r) {
  if (line_open_) say("\r\x1b[2K");
  line_open_ = false;
  std::string quality;
  if (r.bleu >= 0) quality = fmt::format("  BLEU {:.2f}  exact {:.1f} %", r.bleu, 100 * r.exact);
  const std::string when = r.whole_epoch ? fmt::format("epoch {} done, step {}", r.epoch, r.step)
                                         : fmt::format("stopped in epoch {} at step {}", r.epoch, r.step);
  say(fmt::format("{}: validation loss {:.3f}  perplexity {:.2f}{}  ({:.1f} s){}\n", when, r.loss, r.perplexity, quality, r.seconds, r.best ? "  best so far" : ""));
  for (const auto& e : r.examples)
    say(fmt::format("    source     {}\n    reference  {}\n    output     {}\n", e.source, e.reference, e.output));
}

void Console::end_line() {
  if (line_open_) say("\n");
  line_open_ = false;
}

}  // namespace tenfold::cli
