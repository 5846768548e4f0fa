#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "mechanisms/dialects/fuzz_checks.h"
#include "mechanisms/dialects/fuzz_oracles.h"
#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {
namespace {

// `text` with the edits, widened to whole characters as the contract says.
std::string edited(std::string_view text, const std::vector<Edit>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    std::size_t begin = edit.span.begin;
    std::size_t end = edit.span.end;
    while (inside_character(text, begin)) --begin;
    if (edit.span.empty()) end = begin;
    while (inside_character(text, end)) ++end;
    out += text.substr(at, begin - at);
    out += edit.replacement;
    at = end;
  }
  return out += text.substr(at);
}

// The raw bytes of every scalar by its pointer.
std::map<std::string, std::string> scalars(std::string_view body) {
  json::Index index;
  require(index.parse(body).ok());
  std::map<std::string, std::string> out;
  for (json::NodeId id = 0; id < index.nodes().size(); ++id) {
    if (index.is(id, json::Kind::object) || index.is(id, json::Kind::array)) continue;
    std::string pointer;
    index.append_pointer(id, pointer);
    out[pointer] = index.raw(id);
  }
  return out;
}

// What a request says, whatever its keys are called. Identifiers may be passed on under one
// spelling and be looked at under another, where keys are the caller's own.
struct Reading {
  std::string model;
  bool stream;
  std::optional<std::uint64_t> max_output_tokens;
  std::uint64_t choices;
  std::uint64_t bytes_not_examined;
  std::string call_id;
  std::vector<std::tuple<Provenance, TextKind, std::string>> texts;
  bool operator==(const Reading&) const = default;
};

Reading reading(const RequestDocument& request) {
  Reading out{std::string(request.model()),
              request.stream(),
              request.max_output_tokens(),
              request.choices(),
              request.bytes_not_examined(),
              std::string(request.call_id()),
              {}};
  for (const Segment& each : request.segments()) {
    if (each.pointer.ends_with(kKeySuffix) || is_identifier(each.text)) continue;
    out.texts.emplace_back(each.provenance, each.kind, each.text);
  }
  return out;
}

std::optional<Reading> reading(const Dialect& dialect, std::uint8_t operation,
                               const std::string& body) {
  const std::unique_ptr<RequestDocument> request = dialect.make_request(operation);
  if (!request->read(body)) return std::nullopt;
  return reading(*request);
}

void check_account(const Dialect& dialect, std::uint8_t operation, const std::string& body) {
  const std::unique_ptr<RequestDocument> whole = dialect.make_request(operation);
  const std::unique_ptr<RequestDocument> account = dialect.make_request(operation);
  const auto read = whole->read(body);
  const bool same = account->read_account(body).ok() == read.ok();
  require(same || (!read.ok() && read.error().kind == ErrorKind::limit));
  if (!read.ok()) return;
  Reading expected = reading(*whole);
  expected.texts.clear();
  expected.bytes_not_examined = 0;
  require(reading(*account) == expected);
}

// Writes a letter of a key in another case.
void check_spelling(const Dialect& dialect, std::uint8_t operation, const std::string& body,
                    std::size_t which) {
  json::Index index;
  require(index.parse(body).ok());
  std::vector<std::size_t> letters;
  for (const json::Node& node : index.nodes()) {
    if (!node.has_key || node.key_has_escapes) continue;
    for (std::size_t at = node.key_begin; at < node.key_end; ++at) {
      const char small = static_cast<char>(body[at] | 0x20);
      if (small >= 'a' && small <= 'z') letters.push_back(at);
    }
  }
  if (letters.empty()) return;
  const std::size_t at = letters[which % letters.size()];
  std::string other(1, static_cast<char>(body[at] ^ 0x20));
  if (which % 5 == 0 && (body[at] | 0x20) == 's') other = "\xC5\xBF";
  if (which % 5 == 0 && (body[at] | 0x20) == 'k') other = "\\u212a";
  std::string spelt = body;
  spelt.replace(at, 1, other);
  const auto changed = reading(dialect, operation, spelt);
  require(!changed || changed == reading(dialect, operation, body));
}

// Escapes a letter of a string, which no reader can tell from the letter.
void check_escapes(const Dialect& dialect, std::uint8_t operation, const std::string& body,
                   std::size_t which) {
  json::Index index;
  require(index.parse(body).ok());
  std::vector<const json::Node*> strings;
  for (const json::Node& node : index.nodes()) {
    // A value that is an identifier may be passed on, an escape never is.
    if (node.kind != json::Kind::string || node.has_escapes || node.span().empty() ||
        is_identifier(slice(body, node.span()))) {
      continue;
    }
    strings.push_back(&node);
  }
  if (strings.empty()) return;
  const json::Node& chosen = *strings[which % strings.size()];
  const std::size_t at = chosen.begin + (which >> 4) % chosen.span().size();
  if (static_cast<std::uint8_t>(body[at]) >= 0x80) return;
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<std::uint8_t>(body[at]);
  const std::string escape = {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
  std::string written = body;
  written.replace(at, 1, escape);
  auto changed = reading(dialect, operation, written);
  auto expected = reading(dialect, operation, body);
  require(changed && expected);
  // Sizes are those of the source, and an escape makes a text out of a name.
  const bool counted = expected->bytes_not_examined > 0;
  require(counted == (changed->bytes_not_examined > 0));
  changed->bytes_not_examined = expected->bytes_not_examined;
  changed->call_id = expected->call_id;  // as it stands in the source
  for (Reading* each : {&*changed, &*expected}) {
    for (auto& text : each->texts) {
      if (std::get<1>(text) == TextKind::prose) std::get<1>(text) = TextKind::structured;
    }
  }
  require(*changed == *expected);
}

}  // namespace

int fuzz_request(const Dialect& dialect, std::uint8_t operation, const std::uint8_t* data,
                 std::size_t size) {
  std::uint64_t seed = 1;
  for (int i = 0; i < 8 && size > 0; ++i, ++data, --size) seed = (seed << 8) | *data;
  const auto random = [&seed](std::size_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX
    return static_cast<std::size_t>(seed >> 33) % below;
  };
  const std::string body(data, data + size);
  const std::unique_ptr<RequestDocument> request = dialect.make_request(operation);
  check_account(dialect, operation, body);
  if (!request->read(body)) return 0;
  require(request->apply({}).value() == body);
  check_spelling(dialect, operation, body, random(1U << 16));
  check_escapes(dialect, operation, body, random(1U << 16));

  std::vector<const Segment*> texts;
  for (const Segment& segment : request->segments()) {
    require(slice(body, segment.source).size() >= segment.text.size());
    const bool key = segment.pointer.ends_with(kKeySuffix);
    if (segment.kind != TextKind::binary && !key) texts.push_back(&segment);
  }
  if (texts.empty()) return 0;
  const Segment& target = *texts[random(texts.size())];
  // A new model or role may make a different request; then the pointers still hold.
  std::vector<Edit> edits;
  std::size_t at = 0;
  const std::string_view replacements[] = {"", "<X>", "\"\\\n", "\xc3\xa9", "\xf0\x9f\x98\x80"};
  while (edits.size() < 4 && at < target.text.size()) {
    std::size_t begin = at + random(target.text.size() - at);
    while (inside_character(target.text, begin)) --begin;
    if (begin < at) break;
    std::size_t end = begin + random(target.text.size() - begin + 1);
    at = end;
    while (inside_character(target.text, at)) ++at;
    ++at;
    edits.push_back(
        {std::string(target.pointer), {begin, end}, std::string(replacements[random(5)])});
  }
  const std::string pointer(target.pointer);
  const std::string expected = edited(target.text, edits);
  const auto old_scalars = scalars(body);
  std::vector<Edit> shuffled = edits;
  std::reverse(shuffled.begin(), shuffled.end());
  const auto result = request->apply(shuffled);
  require(result.ok());

  auto new_scalars = scalars(*result);
  require(new_scalars.size() == old_scalars.size());
  for (const auto& [name, raw] : old_scalars) {
    if (name != pointer) require(new_scalars.at(name) == raw);
  }
  std::string decoded;
  json::append_decoded(decoded, new_scalars.at(pointer));
  require(decoded == expected);
  return 0;
}

}  // namespace davy::dialects
