#include "mechanisms/dialects/fuzz_oracles.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/fuzz_checks.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

using Texts = std::map<std::pair<std::uint32_t, std::uint32_t>, std::string>;

Texts texts_of(std::span<const StreamSegment> segments) {
  Texts out;
  for (const StreamSegment& piece : segments) {
    std::string& text = out[{piece.key.choice, piece.key.block}];
    require(piece.offset == text.size());
    text += piece.text;
  }
  return out;
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

// What nobody counted holds no line end, and no data, that only some clients see.
void check_lines(const StreamEvent& event) {
  if (event.bytes_not_examined > 0) return;
  std::string_view rest = event.raw;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line == "data" || line.starts_with("data:")) continue;
    require(line.size() < 256 && std::all_of(line.begin(), line.end(), [](char c) {
              return static_cast<std::uint8_t>(c) >= 0x20 && static_cast<std::uint8_t>(c) < 0x7F;
            }));
  }
}

Read read_stream(const Dialect& dialect, std::uint8_t operation, std::string_view bytes,
                 Splits* splits) {
  Read out;
  const std::unique_ptr<StreamReader> reader = dialect.make_stream(operation);
  const auto keep = [&out](const StreamEvent& event) {
    check_lines(event);
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

using StreamTexts = std::map<std::tuple<std::uint32_t, std::uint32_t, int, int>, std::string>;

// Places without a number of their own may get another one when an empty text is left
// out, so only the others are compared.
StreamTexts texts_of(const Read& read) {
  StreamTexts texts;
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

// The texts that are complete in themselves, in their order.
std::vector<std::tuple<int, int, std::string>> whole_texts_of(const Read& read) {
  std::vector<std::tuple<int, int, std::string>> texts;
  for (const auto& pieces : read.pieces) {
    for (const Piece& piece : pieces) {
      if (std::get<1>(piece.key) < kWholeBlock) continue;
      require(piece.offset == 0 && piece.last);
      texts.emplace_back(std::get<2>(piece.key), std::get<3>(piece.key), piece.text);
    }
  }
  return texts;
}

// Whatever is taken out of every text of a stream is in none of them afterwards, however
// often the stream repeats it.
void check_redaction(const Dialect& dialect, std::uint8_t operation, std::string_view bytes,
                     std::uint64_t seed) {
  constexpr std::string_view kMark = "<X>";
  struct Text {
    StreamKey key;
    std::string text;
  };
  const std::unique_ptr<StreamReader> reader = dialect.make_stream(operation);
  std::vector<StreamEvent> events;
  std::vector<Text> texts;
  reader->feed(bytes);
  for (bool more = true; more;) {
    StreamEvent event;
    more = reader->next(event).value() || reader->finish(event).value();
    if (!more) break;
    for (const StreamSegment& piece : event.segments) {
      auto at = std::find_if(texts.begin(), texts.end(),
                             [&](const Text& each) { return each.key == piece.key; });
      if (at == texts.end()) at = texts.insert(texts.end(), {piece.key, {}});
      at->text += piece.text;
    }
    events.push_back(std::move(event));
  }
  if (texts.empty()) return;
  const std::string& chosen = texts[seed % texts.size()].text;
  if (chosen.empty()) return;
  std::size_t begin = (seed >> 8) % chosen.size();
  std::size_t end = begin + 1 + (seed >> 16) % std::min<std::size_t>(chosen.size() - begin, 24);
  while (inside_character(chosen, begin)) --begin;
  while (inside_character(chosen, end)) ++end;
  const std::string secret = chosen.substr(begin, end - begin);
  if (secret.find_first_of(kMark) != std::string::npos) return;

  std::vector<StreamEdit> edits;
  for (const Text& each : texts) {
    // What is edited could become what stands beside it.
    if (each.text.find(kMark) != std::string::npos) return;
    for (std::size_t at = each.text.find(secret); at != std::string::npos;
         at = each.text.find(secret, at + secret.size())) {
      edits.push_back({each.key, {at, at + secret.size()}, std::string(kMark)});
    }
  }
  std::string told = ": x\r";
  for (const StreamEvent& event : events) told += reader->apply(event, edits).value();
  const Read again = read_stream(dialect, operation, told, nullptr);
  require(!again.failed);
  std::map<decltype(Piece::key), std::string> left;
  for (const auto& pieces : again.pieces) {
    for (const Piece& piece : pieces) left[piece.key] += piece.text;
  }
  for (const auto& [key, text] : left) require(text.find(secret) == std::string::npos);
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

// What ends the stream after each of its events is a stream that can be read.
void check_cuts(const Dialect& dialect, std::uint8_t operation, std::string_view bytes) {
  const std::unique_ptr<StreamReader> reader = dialect.make_stream(operation);
  const std::unique_ptr<StreamReader> client = dialect.make_stream(operation);
  reader->feed(bytes);
  StreamEvent event;
  StreamEvent end;
  for (bool more = true; more;) {
    const auto found = reader->next(event);
    more = found.ok() && *found;
    if (more) require(reader->apply(event, {}).ok());
    client->reset(false);
    client->feed(reader->cut());
    for (bool next = true; next;) {
      next = client->next(end).value();
      require(!next || end.bytes_not_examined == 0);
    }
  }
}

}  // namespace

int fuzz_answer(const Dialect& dialect, std::uint8_t operation, const std::uint8_t* data,
                std::size_t size) {
  if (size < 2) return 0;
  const std::size_t a = data[0];
  const std::size_t b = data[1];
  const std::string body(data + 2, data + size);
  const std::unique_ptr<AnswerDocument> answer = dialect.make_answer(operation);
  if (!answer->read(body)) return 0;
  require(answer->apply({}).value() == body);
  const std::unique_ptr<AnswerDocument> account = dialect.make_answer(operation);
  require(account->read_account(body).ok());
  require(account->usage() == answer->usage());
  require(account->finish_reason() == answer->finish_reason());
  if (answer->segments().empty()) return 0;
  Texts texts = texts_of(answer->segments());

  const StreamSegment target = answer->segments()[a % answer->segments().size()];
  std::string& text = texts[{target.key.choice, target.key.block}];
  StreamEdit edit{target.key, {b % text.size(), text.size()}, "<X>"};
  while ((static_cast<std::uint8_t>(text[edit.span.begin]) & 0xC0) == 0x80) --edit.span.begin;
  text.replace(edit.span.begin, std::string::npos, edit.replacement);
  const auto edited = answer->apply(std::span(&edit, 1));
  require(edited.ok());
  // An edited key may now be a plain name, or equal to its neighbour.
  const bool other = target.key.block >= kOtherBlock;
  if (!answer->read(*edited)) return other ? 0 : (std::abort(), 0);
  if (!other) require(texts_of(answer->segments()) == texts);
  return 0;
}

int fuzz_stream(const Dialect& dialect, std::uint8_t operation, const std::uint8_t* data,
                std::size_t size) {
  std::uint64_t seed = 0;
  for (int i = 0; i < 8 && size > 0; ++i, ++data, --size) seed = (seed << 8) | *data;
  const std::string bytes(data, data + size);
  Splits splits(seed);
  check_framing(bytes, splits);
  const Read whole = read_stream(dialect, operation, bytes, nullptr);
  require(read_stream(dialect, operation, bytes, &splits) == whole);
  if (whole.failed) return 0;
  std::string passed_on = ": x\r";
  for (const std::string& raw : whole.raws) passed_on += raw;
  const Read again = read_stream(dialect, operation, passed_on, nullptr);
  require(!again.failed && texts_of(again) == texts_of(whole));
  require(whole_texts_of(again) == whole_texts_of(whole));
  check_redaction(dialect, operation, bytes, seed);
  check_cuts(dialect, operation, bytes);
  return 0;
}

}  // namespace davy::dialects
