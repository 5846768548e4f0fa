#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <iterator>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "base/strings.h"

namespace davy::log {
namespace {

constexpr std::size_t kMaxText = 200;
constexpr std::size_t kMaxMessage = 500;

struct State {
  std::mutex mutex;  // guards all but `level`: lines never mix
  std::function<void(std::string_view)> output;
  std::atomic<Level> level{Level::info};
};

// Never destroyed, so that a thread may log while the process ends.
State& state() {
  static State& instance = *new State;
  return instance;
}

std::string_view name(Level level) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

bool is_bare(std::string_view text) noexcept {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) {
    return c == '"' || c == '\\' || c == '=' || static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
  });
}

void append_text(std::string& line, std::string_view text) {
  if (is_bare(text)) {
    line += printable(text, kMaxText);
    return;
  }
  // Quotes and backslashes first, so that the escapes that printable() adds stay apart
  // from backslashes of the text. What stands beyond the limit cannot show.
  std::string escaped;
  for (const char c : text.substr(0, 2 * kMaxText)) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  line += '"';
  line += printable(escaped, kMaxText);
  line += '"';
}

void append_field(std::string& line, const Field& field) {
  line += ' ';
  line += field.name;
  line += '=';
  std::visit(
      [&line](const auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string_view>) {
          append_text(line, value);
        } else {
          fmt::format_to(std::back_inserter(line), "{}", value);
        }
      },
      field.value);
}

// `suppressed` lines were left out before this one.
std::string format(Level level, std::string_view message, std::initializer_list<Field> fields,
                   std::uint64_t suppressed) {
  std::string line = rfc3339(system_clock().now().wall);
  line += ' ';
  line += name(level);
  line += ' ';
  line += printable(message, kMaxMessage);
  for (const Field& field : fields) append_field(line, field);
  if (suppressed != 0) append_field(line, {"suppressed", suppressed});
  return line;
}

// The caller holds the mutex.
void emit(State& log, std::string line) {
  if (log.output) {
    log.output(line);
    return;
  }
  line += '\n';
  // Nobody is left to tell when standard error cannot be written.
  static_cast<void>(write_all(STDERR_FILENO, line));
}

}  // namespace

void set_level(Level level) noexcept { state().level.store(level, std::memory_order_relaxed); }

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  State& log = state();
  if (level < log.level.load(std::memory_order_relaxed)) return;
  std::string line = format(level, message, fields, 0);
  const std::lock_guard lock(log.mutex);
  emit(log, std::move(line));
}

void set_output(std::function<void(std::string_view line)> output) {
  State& log = state();
  const std::lock_guard lock(log.mutex);
  log.output = std::move(output);
}

void Sampled::write(Level level, std::string_view message, std::initializer_list<Field> fields,
                    std::int64_t now_seconds) {
  State& log = state();
  if (level < log.level.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(log.mutex);
  // A clock that steps back gives nothing back and starts over from there.
  const std::int64_t period = std::max<std::int64_t>(1, seconds_);
  const std::int64_t passed = std::max<std::int64_t>(0, now_seconds - last_) / period;
  taken_ -= std::min(taken_, static_cast<std::uint64_t>(passed));
  last_ = taken_ == 0 || now_seconds < last_ ? now_seconds : last_ + passed * period;
  if (taken_ >= std::max<std::uint32_t>(1, burst_)) {
    ++suppressed_;
    return;
  }
  ++taken_;
  emit(log, format(level, message, fields, std::exchange(suppressed_, 0)));
}

}  // namespace davy::log
