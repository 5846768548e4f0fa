// For the tests of dialects: what a document holds, to compare at a glance.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "mechanisms/dialects/dialect.h"

namespace davy::dialects {

using Lines = std::vector<std::string>;

// "assistant prose: ".
inline std::string voice(Provenance provenance, TextKind kind) {
  return std::string(name(provenance)) + " " + std::string(name(kind)) + ": ";
}

// "pointer provenance kind: text" for each segment.
inline Lines list(const RequestDocument& request) {
  Lines out;
  for (const Segment& segment : request.segments()) {
    out.push_back(std::string(segment.pointer) + " " + voice(segment.provenance, segment.kind) +
                  std::string(segment.text));
  }
  return out;
}

// "provenance kind: text" for each piece.
inline Lines list(const AnswerDocument& answer) {
  Lines out;
  for (const StreamSegment& piece : answer.segments()) {
    out.push_back(voice(piece.key.provenance, piece.key.kind) + std::string(piece.text));
  }
  return out;
}

// All events of a stream.
struct StreamRead {
  std::vector<StreamEvent> events;
  std::string raw;  // all bytes together

  // "provenance kind: text" for each stream, in the order of their beginning; " …" after
  // one whose last piece did not come. Pieces must be without gaps.
  [[nodiscard]] Lines texts() const {
    struct Text {
      StreamKey key;
      std::string text;
      bool ended = false;
    };
    std::vector<Text> texts;
    for (const StreamEvent& event : events) {
      for (const StreamSegment& piece : event.segments) {
        std::size_t at = 0;
        while (at < texts.size() && texts[at].key != piece.key) ++at;
        if (at == texts.size()) texts.push_back({piece.key, {}, false});
        EXPECT_EQ(piece.offset, texts[at].text.size());
        EXPECT_FALSE(texts[at].ended);
        texts[at].text += piece.text;
        texts[at].ended = piece.last;
      }
    }
    Lines out;
    for (const Text& each : texts) {
      out.push_back(voice(each.key.provenance, each.key.kind) + each.text +
                    (each.ended ? "" : " …"));
    }
    return out;
  }
};

// Reads `bytes` in pieces of `step` bytes.
inline StreamRead read_stream(StreamReader& reader, std::string_view bytes, std::size_t step) {
  reader.reset(false);
  StreamRead out;
  const auto take = [&out](StreamEvent& event) {
    out.raw += event.raw;
    out.events.push_back(std::move(event));
  };
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.feed(bytes.substr(at, step));
    for (;;) {
      StreamEvent event;
      const auto found = reader.next(event);
      EXPECT_TRUE(found.ok()) << found.error().text();
      if (!found || !*found) break;
      take(event);
    }
  }
  StreamEvent event;
  const auto found = reader.finish(event);
  EXPECT_TRUE(found.ok());
  if (found && *found) take(event);
  return out;
}
inline StreamRead read_stream(StreamReader& reader, std::string_view bytes) {
  return read_stream(reader, bytes, bytes.size() + 1);
}

}  // namespace davy::dialects
