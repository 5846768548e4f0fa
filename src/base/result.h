// Result<T>: a value, or the Error that says why there is none.
//
// An Error is for what went wrong (bad input, a full disk). A refusal by policy
// is not an error: see core/decision.h.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace davy {

enum class ErrorKind : std::uint8_t {
  invalid_input,  // what we were given is wrong: the person who gave it can mend it
  unavailable,    // something outside is not there now: trying again may help
  limit,          // a stated bound was reached
  internal,       // our own fault
};

[[nodiscard]] std::string_view name(ErrorKind kind) noexcept;

// Where in an input something stands. Lines and columns count from 1; 0 = unknown.
struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  // "file:line:column", leaving out what is unknown.
  [[nodiscard]] std::string text() const;
};

// What happened, where, and what to do. Never holds a secret or a prompt.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  Place place{};
  std::string hint{};

  // "place: message (hint)", one line.
  [[nodiscard]] std::string text() const;
};

[[nodiscard]] Error invalid_input(std::string message, Place place = {}, std::string hint = {});
[[nodiscard]] Error unavailable(std::string message, Place place = {}, std::string hint = {});
[[nodiscard]] Error limit_reached(std::string message, Place place = {}, std::string hint = {});
[[nodiscard]] Error internal_error(std::string message, Place place = {}, std::string hint = {});

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(*-explicit-*)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(*-explicit-*)

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // Only when ok().
  [[nodiscard]] T& value() & { return assert(ok()), *std::get_if<0>(&state_); }
  [[nodiscard]] const T& value() const& { return assert(ok()), *std::get_if<0>(&state_); }
  [[nodiscard]] T&& value() && { return assert(ok()), std::move(*std::get_if<0>(&state_)); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  // Only when not ok().
  [[nodiscard]] const Error& error() const& { return assert(!ok()), *std::get_if<1>(&state_); }
  [[nodiscard]] Error&& error() && { return assert(!ok()), std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(*-explicit-*)

  [[nodiscard]] bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const Error& error() const& { return assert(!ok()), *error_; }
  [[nodiscard]] Error&& error() && { return assert(!ok()), std::move(*error_); }

 private:
  std::optional<Error> error_;
};

// Leaves the enclosing function with the error of `expression`, if it has one.
#define DAVY_TRY(expression)                                     \
  do {                                                           \
    if (auto davy_try_result = (expression); !davy_try_result) { \
      return std::move(davy_try_result).error();                 \
    }                                                            \
  } while (false)

#define DAVY_CONCAT_INNER(a, b) a##b
#define DAVY_CONCAT(a, b) DAVY_CONCAT_INNER(a, b)

// DAVY_ASSIGN(auto x, f()): declares x from the value of f(), or leaves with its error.
#define DAVY_ASSIGN(declaration, expression) \
  DAVY_ASSIGN_INNER(DAVY_CONCAT(davy_assign_, __LINE__), declaration, expression)
#define DAVY_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                              \
  if (!result) {                                           \
    return std::move(result).error();                      \
  }                                                        \
  declaration = std::move(result).value()

}  // namespace davy
