// The operator's log: structured lines on standard error, never content.
//
// A line is for the person who runs davy: start, stop, reload, trouble. What
// happened in an exchange is an event (core/event.h), not a log line. Fields take
// only what their types allow: a Secret does not convert, and text is made printable
// and cut to 200 bytes. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace davy::log {

enum class Level : std::uint8_t { debug, info, warning, error };

struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, bool v) : name(n), value(v) {}
  Field(std::string_view n, double v) : name(n), value(v) {}
  template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
  Field(std::string_view n, Int v) : name(n), value(static_cast<std::int64_t>(v)) {}
};

// Below this level nothing is written; info at first.
void set_level(Level level) noexcept;

void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::debug, m, f); }
inline void info(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::info, m, f); }
inline void warning(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::warning, m, f); }
inline void error(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::error, m, f); }

// Sends finished lines elsewhere (tests); an empty function restores standard error.
void set_output(std::function<void(std::string_view line)> output);

// At most `burst` lines at once and then one per `seconds`, for errors that could come
// with every request. One static object a place; thread-safe. What was left out is
// counted and told with the next line that goes out (`suppressed=N`).
class Sampled {
 public:
  Sampled(std::uint32_t burst, std::uint32_t seconds) noexcept : burst_(burst), seconds_(seconds) {}
  void write(Level level, std::string_view message, std::initializer_list<Field> fields,
             std::int64_t now_seconds);

 private:
  std::uint32_t burst_;
  std::uint32_t seconds_;
  std::uint64_t state_ = 0;  // guarded by the log's mutex
  std::int64_t last_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace davy::log
