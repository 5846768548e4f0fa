// Oracle: any split of the bytes gives the same events, texts and offsets; nothing is
// lost; the text of a stream has no gap; and what is passed on reads as the same text.
//
// Input: the first 8 bytes choose the splits, the rest is the stream.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/sse.h"

namespace {

using namespace davy;
using namespace davy::dialects;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Piece {
  std::tuple<std::uint32_t, std::uint32_t, int, int> key;
  std::uint64_t offset;
  std::string text;
  bool last;
  bool operator==(const Piece&) const = default;
};

struct Read {
  std::vector<std::string> raws;
  std::vector<std::vector<Piece>> pieces;
  bool failed = false;
  bool operator==(const Read&) const = default;
};

// Cuts `bytes` into pieces of 1 to 8 bytes and sometimes more, as `seed` says.
class Splits {
 public:
  explicit Splits(std::uint64_t seed) : state_(seed | 1) {}
  std::size_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % 11 == 0 ? 64 : 1 + state_ % 8;
  }

 private:
  std::uint64_t state_;
};

Read read_stream(std::string_view bytes, Splits* splits) {
  Read out;
  const std::unique_ptr<StreamReader> reader = openai().make_stream();
  const auto keep = [&out](const StreamEvent& event) {
    out.raws.push_back(event.raw);
    auto& pieces = out.pieces.emplace_back();
    for (const StreamSegment& piece : event.segments) {
      pieces.push_back({{piece.key.choice, piece.key.block, static_cast<int>(piece.key.provenance),
                         static_cast<int>(piece.key.kind)},
                        piece.offset,
                        std::string(piece.text),
                        piece.last});
    }
  };
  StreamEvent event;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::string_view part = bytes.substr(at, splits ? splits->next() : bytes.size());
    at += part.size();
    reader->feed(part);
    for (;;) {
      const auto found = reader->next(event);
      out.failed = !found.ok();
      if (out.failed) return out;
      if (!*found) break;
      keep(event);
      require(reader->apply(event, {}).value() == event.raw);
    }
  }
  const auto found = reader->finish(event);
  out.failed = !found.ok();
  if (!out.failed && *found) keep(event);
  return out;
}

using Texts = std::map<std::tuple<std::uint32_t, std::uint32_t, int, int>, std::string>;

// Places without a number of their own may get another one when an empty text is left
// out, so only the others are compared.
Texts texts_of(const Read& read) {
  Texts texts;
  for (const auto& pieces : read.pieces) {
    for (const Piece& piece : pieces) {
      std::string& text = texts[piece.key];
      require(piece.offset == text.size());
      text += piece.text;
      require(!first_invalid_utf8(piece.text));
    }
  }
  std::erase_if(texts, [](const auto& each) {
    return each.second.empty() || std::get<1>(each.first) >= kOtherBlock;
  });
  return texts;
}

void check_framing(std::string_view bytes, Splits& splits) {
  const auto read = [](std::string_view all, Splits* how) {
    std::vector<std::pair<std::string, std::string>> out;
    SseParser parser;
    SseEvent event;
    for (std::size_t at = 0; at < all.size();) {
      const std::string_view part = all.substr(at, how ? how->next() : all.size());
      at += part.size();
      parser.feed(part);
      while (parser.next(event).value()) out.emplace_back(event.raw, event.data);
    }
    if (parser.rest(event).value()) out.emplace_back(event.raw, event.data);
    return out;
  };
  const auto whole = read(bytes, nullptr);
  require(read(bytes, &splits) == whole);
  std::string joined;
  for (const auto& [raw, data] : whole) joined += raw;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  require(joined == bytes);
  for (const auto& [raw, data] : whole) {
    if (data.empty()) continue;
    // Data that is put in its own place is read again as it was.
    SseParser parser;
    // The comment keeps a mark or an LF at the beginning from being read as one at the
    // start of a stream.
    parser.feed(": x\r" + with_data(raw, data));
    SseEvent event;
    require(parser.rest(event).value() && event.data == data);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t seed = 0;
  for (int i = 0; i < 8 && size > 0; ++i, ++data, --size) seed = (seed << 8) | *data;
  const std::string bytes(data, data + size);
  Splits splits(seed);
  check_framing(bytes, splits);
  const Read whole = read_stream(bytes, nullptr);
  require(read_stream(bytes, &splits) == whole);
  if (whole.failed) return 0;
  std::string passed_on = ": x\r";
  for (const std::string& raw : whole.raws) passed_on += raw;
  const Read again = read_stream(passed_on, nullptr);
  require(!again.failed && texts_of(again) == texts_of(whole));
  return 0;
}
