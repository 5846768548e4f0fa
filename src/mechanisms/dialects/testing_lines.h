// What the tests of dialects show of a request, an answer or a stream: a line a text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/segment.h"
#include "mechanisms/dialects/dialect.h"

namespace davy::dialects::testing {

using Lines = std::vector<std::string>;

inline std::string label(Provenance provenance, TextKind kind) {
  return std::string(name(provenance)) + " " + std::string(name(kind)) + ": ";
}

// "POINTER PROVENANCE KIND: TEXT".
inline Lines list(const RequestDocument& request) {
  Lines out;
  for (const Segment& segment : request.segments()) {
    out.push_back(std::string(segment.pointer) + " " + label(segment.provenance, segment.kind) +
                  std::string(segment.text));
  }
  return out;
}

// "PROVENANCE KIND: TEXT", with a "…" where the stream goes on.
inline Lines list(std::span<const StreamSegment> segments) {
  Lines out;
  for (const StreamSegment& segment : segments) {
    out.push_back(label(segment.key.provenance, segment.key.kind) + std::string(segment.text) +
                  (segment.last ? "" : "…"));
  }
  return out;
}

inline Lines list_answer(const Dialect& dialect, std::uint8_t operation, std::string_view body) {
  const auto answer = dialect.make_answer(operation);
  const auto read = answer->read(body);
  EXPECT_TRUE(read.ok()) << (read.ok() ? "" : read.error().text());
  EXPECT_EQ(answer->apply({}).value(), body);
  return list(answer->segments());
}

// The events of a stream; the last is what finish() gives, unless the end was announced.
inline std::vector<StreamEvent> read_events(StreamReader& reader, std::string_view bytes) {
  std::vector<StreamEvent> out;
  reader.reset(false);
  reader.feed(bytes);
  for (;;) {
    StreamEvent event;
    auto found = reader.next(event);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().text());
    if (found.ok() && !*found) found = reader.finish(event);
    if (!found.ok() || !*found) return out;
    out.push_back(std::move(event));
  }
}

// An answer with every occurrence of `what`, of ASCII, in its texts replaced.
inline std::string redact_answer(AnswerDocument& answer, std::string_view what,
                                 std::string_view replacement) {
  std::vector<StreamEdit> edits;
  for (const StreamSegment& segment : answer.segments()) {
    for (std::size_t at = segment.text.find(what); at != std::string_view::npos;
         at = segment.text.find(what, at + what.size())) {
      const std::size_t begin = segment.offset + at;
      edits.push_back({segment.key, {begin, begin + what.size()}, std::string(replacement)});
    }
  }
  return answer.apply(edits).value();
}

}  // namespace davy::dialects::testing
