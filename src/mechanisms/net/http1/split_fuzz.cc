// Oracles: a stream read byte by byte, or in random pieces, gives exactly what it gives
// when read whole (messages, payload, refusal, its place, bytes consumed); a head that is
// accepted, written again and read again is the same.
//
// Input: byte 0 chooses what is read (bits 0-1), small limits (bit 2) and whether the
// connection ends (bit 3); bytes 1 and 2 seed the cuts; the rest is the stream.
#include <cstdint>
#include <numeric>
#include <vector>

#include "mechanisms/net/http1/beast_for_tests.h"
#include "mechanisms/net/http1/reader_for_tests.h"
#include "mechanisms/net/http1/write.h"

namespace {

using namespace davy::http1;
using namespace davy::http1::for_tests;

std::vector<std::size_t> random_cuts(std::size_t size, std::uint32_t seed) {
  std::vector<std::size_t> cuts;
  std::uint32_t state = seed * 2654435761U + 1;
  for (std::size_t at = 0;;) {
    state = state * 1664525U + 1013904223U;
    at += (state >> 24) % 23;
    if (at > size) return cuts;
    cuts.push_back(at);
    ++at;
  }
}

void check_round_trip(Kind kind, const Message& message) {
  std::vector<FieldView> fields;
  for (const auto& [name, value] : message.fields) fields.push_back({name, value});
  std::string out;
  const std::string_view start = message.start;
  const std::size_t space = start.find(' ');
  if (kind == Kind::request) {
    const std::string_view target = start.substr(space + 1, start.size() - space - 3);
    require(append_request_head(out, start.substr(0, space), target, fields).ok(), "is written");
  } else {
    require(append_response_head(out, std::stoi(message.start), fields).ok(), "is written");
  }
  const Reading again = read_whole(kind, out, {}, false);
  if (again.messages.empty()) {
    // Only 1.0 may hold what 1.1 has a meaning for, and an inserted reason or space may
    // pass the limit of the head.
    require(again.problem.refusal == Refusal::head_too_large, "is read again");
    return;
  }
  require(again.messages[0].fields == message.fields, "has the same fields");
  require(again.messages[0].framing.body == message.framing.body, "has the same framing");
  require(again.messages[0].path == message.path && again.messages[0].host == message.host,
          "has the same path and host");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string text(data + 3, data + size);
  const Kind kind = static_cast<Kind>((data[0] & 3U) % 3);
  Limits limits;
  if ((data[0] & 4U) != 0) {
    limits = {.head_bytes = 128,
              .target_bytes = 16,
              .fields = 4,
              .body_bytes = 16,
              .extension_bytes = 4,
              .trailer_bytes = 12};
  }
  const bool ended = (data[0] & 8U) != 0;
  const Reading whole = read_whole(kind, text, limits, ended);
  require(whole.consumed <= text.size(), "no more is consumed than there is");
  require(whole.problem.offset <= text.size(), "a refusal lies inside");

  if (text.size() <= 4096) {
    std::vector<std::size_t> every(text.size());
    std::iota(every.begin(), every.end(), std::size_t{0});
    require(read(kind, text, every, limits, ended) == whole, "byte by byte is as whole");
  }
  const std::uint32_t seed = data[1] * 256U + data[2];
  require(read(kind, text, random_cuts(text.size(), seed), limits, ended) == whole,
          "in pieces is as whole");
  for (const Message& message : whole.messages) check_round_trip(kind, message);
  return 0;
}
