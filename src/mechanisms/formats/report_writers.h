// The writers behind write_report, one a format, and what they share.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "mechanisms/formats/report.h"

namespace davy::formats {

void write_table(std::ostream& out, const Report& report, Severity fail_on);
void write_json(std::ostream& out, const Report& report, Severity fail_on);
void write_sarif(std::ostream& out, const Report& report);
void write_junit(std::ostream& out, const Report& report, Severity fail_on);
void write_markdown(std::ostream& out, const Report& report, Severity fail_on);

inline constexpr std::array kSeverities = {Severity::critical, Severity::high, Severity::medium,
                                           Severity::low, Severity::info};

struct Counts {
  std::array<std::uint64_t, 5> severity{};  // by Severity's value
  std::uint64_t clean = 0;
  std::uint64_t with_findings = 0;
  std::uint64_t unreadable = 0;
};
[[nodiscard]] Counts count(const Report& report) noexcept;

// "path:3:14", or the pointer where there are no lines. One printable line.
[[nodiscard]] std::string place_of(const Finding& finding);
[[nodiscard]] std::string_view fix_of(const Finding& finding) noexcept;

// Well-formed UTF-8: ill-formed text is escaped (base/strings.h, printable).
[[nodiscard]] std::string as_utf8(std::string_view text);

// One line that says how it went, the same in all forms for people.
[[nodiscard]] std::string summary_line(const Report& report, Severity fail_on);

}  // namespace davy::formats
