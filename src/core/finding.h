// Findings: what a rule saw, where, and what to do. The same type for a scanner, the
// gateway and a report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "core/rule.h"
#include "core/segment.h"

namespace davy {

struct Location {
  std::string file;        // a path, or "request" / "answer" for an exchange
  std::uint32_t line = 0;  // from 1; 0 = none
  std::uint32_t column = 0;
  std::string pointer;  // JSON pointer, where the object is structured
  Span span;            // bytes in the segment's decoded text, or in the file

  bool operator==(const Location&) const = default;
};

// The form in which events store a location: FILE[#POINTER][@BEGIN-END], the span in bytes
// of the decoded text: "request#/messages/1/content@12-27".
[[nodiscard]] std::string to_text(const Location& location);
// Nothing if it has another form.
[[nodiscard]] std::optional<Location> location_from_text(std::string_view text);

struct Finding {
  RuleId rule;
  Severity severity = Severity::medium;
  double confidence = 1.0;  // [0, 1]
  std::string message;      // one sentence for a person; no content, no secret
  Location location;
  Provenance provenance = Provenance::field;
  std::string evidence;  // a redacted excerpt, at most 200 bytes, or empty
  std::string fix;       // empty = the catalogue's
};

// A finding of `rule` with its catalogue severity.
[[nodiscard]] Finding make_finding(RuleId rule, std::string message, Location location = {});

// Replaces the bytes `span` of one segment's decoded text.
struct Edit {
  std::string pointer;  // of the segment; empty for a stream
  Span span;
  std::string replacement;

  bool operator==(const Edit&) const = default;
};

// Orders edits of one text and makes them disjoint. Edits that overlap (or touch the
// same empty span) become one from the first begin to the last end with the replacement
// of the one that begins first; ties: the longer, then the earlier in the list.
[[nodiscard]] std::vector<Edit> merge_edits(std::vector<Edit> edits);

}  // namespace davy
