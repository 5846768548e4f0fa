// Oracles: a splice of nothing gives the same bytes; after a random edit the same
// pointer holds the edited text, and every other value its old bytes.
//
// Input: the first 8 bytes choose the edits, the rest is the body.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/formats/json_index.h"

namespace {

using namespace davy;
using namespace davy::dialects;

void require(bool condition) {
  if (!condition) std::abort();
}

bool inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80;
}

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t seed = 1;
  for (int i = 0; i < 8 && size > 0; ++i, ++data, --size) seed = (seed << 8) | *data;
  const auto random = [&seed](std::size_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX
    return static_cast<std::size_t>(seed >> 33) % below;
  };
  const std::string body(data, data + size);
  const std::unique_ptr<RequestDocument> request = openai().make_request();
  if (!request->read(body)) return 0;
  require(request->apply({}).value() == body);

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
