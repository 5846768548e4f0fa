// What every dialect's errors have in common: the members of an RFC 9457 problem.
#pragma once

#include <string>
#include <string_view>

#include "mechanisms/dialects/dialect.h"

namespace davy::dialects {

// What may be shown of a problem.
struct Shown {
  std::string_view code;
  std::string_view title;
  std::string detail;
  std::string message;  // detail, next step and request id in one text
};
[[nodiscard]] Shown shown(const Problem& problem, Detail detail);

// Appends `,"name":"value"`, unless the value is empty.
void add_member(std::string& out, std::string_view name, std::string_view value);

// `{"type":"about:blank",…` without its closing brace: the dialect's own member follows.
// RFC 9457 3.1.1: about:blank says no more than the status does; `code` does.
[[nodiscard]] std::string begin_problem(const Problem& problem, const Shown& what, Detail detail,
                                        std::string_view type = "about:blank");

// A problem with `"error": MESSAGE`, as TGI, Ollama, Triton and KServe's servers say it.
[[nodiscard]] std::string plain_error(const Problem& problem, Detail detail);
// The data of the event that ends their streams where a rule does.
inline constexpr std::string_view kCutByRule =
    "{\"error\":\"The answer was ended by a rule.\",\"error_type\":\"content_filter\"}";

// Of dialects that have no list of models.
inline constexpr std::string_view kNoModels = "{\"models\":[]}";

// OpenAI's names for kinds of errors, which others took over.
[[nodiscard]] std::string_view error_type(int status) noexcept;

}  // namespace davy::dialects
