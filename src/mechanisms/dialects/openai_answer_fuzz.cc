// Oracles: a splice of nothing gives the same bytes; after an edit the answer reads as
// the edited text; the account alone is that of the whole; and the same answer as one
// event of a stream gives the same texts.
//
// Input: two bytes choose the edit, the rest is the body.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "mechanisms/dialects/openai.h"

namespace {

using namespace davy;
using namespace davy::dialects;
using Texts = std::map<std::pair<std::uint32_t, std::uint32_t>, std::string>;

void require(bool condition) {
  if (!condition) std::abort();
}

Texts texts_of(std::span<const StreamSegment> segments) {
  Texts out;
  for (const StreamSegment& piece : segments) {
    std::string& text = out[{piece.key.choice, piece.key.block}];
    require(piece.offset == text.size());
    text += piece.text;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t a = data[0];
  const std::size_t b = data[1];
  const std::string body(data + 2, data + size);
  const std::unique_ptr<AnswerDocument> answer = openai().make_answer();
  if (!answer->read(body)) return 0;
  require(answer->apply({}).value() == body);
  const std::unique_ptr<AnswerDocument> account = openai().make_answer();
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
