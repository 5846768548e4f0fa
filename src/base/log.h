// The operator's log: structured lines on standard error, never content.
//
// A line is for the person who runs davy: start, stop, reload, trouble. What
// happened in an exchange is an event (core/event.h), not a log line. Fields take
// only what their types allow: a Secret does not convert. Text is made printable and
// cut (a field to 200 bytes, the message to 500), so that no value can forge a line or
// a field. A line is
//   2026-11-24T05:44:31.042Z info message key=value key="va lue"
// with `\"` and `\\` inside quotes, written by one write(2). Thread-safe; a standard
// error that is not read blocks the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace davy::log {

enum class Level : std::uint8_t { debug, info, warning, error };

// `name` is a word from the code, never from outside. Holds views: it lives for one call.
struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, bool v) : name(n), value(v) {}
  Field(std::string_view n, double v) : name(n), value(v) {}
  template <class Int>
  requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>) Field(std::string_view n, Int v)
      : name(n),
        value(static_cast<std::conditional_t<std::is_signed_v<Int>, std::int64_t, std::uint64_t>>(
            v)) {}
};

// Below this level nothing is written; info at first.
void set_level(Level level) noexcept;

void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::debug, m, f);
}
inline void info(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::info, m, f);
}
inline void warning(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::warning, m, f);
}
inline void error(std::string_view m, std::initializer_list<Field> f = {}) {
  write(Level::error, m, f);
}

// Sends finished lines (without the newline) elsewhere, for tests; an empty function
// restores standard error. The function must not log.
void set_output(std::function<void(std::string_view line)> output);

// At most `burst` lines at once and then one per `seconds`, for errors that could come
// with every request. One static object a place; thread-safe. What was left out is
// counted and told with the next line that goes out (`suppressed=N`). A burst or a
// period of 0 counts as 1. `now_seconds` is steady time.
class Sampled {
 public:
  Sampled(std::uint32_t burst, std::uint32_t seconds) noexcept : burst_(burst), seconds_(seconds) {}
  void write(Level level, std::string_view message, std::initializer_list<Field> fields,
             std::int64_t now_seconds);

 private:
  std::uint32_t burst_;
  std::uint32_t seconds_;
  // All below are guarded by the log's mutex.
  std::uint64_t taken_ = 0;  // of the burst
  std::int64_t last_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace davy::log
