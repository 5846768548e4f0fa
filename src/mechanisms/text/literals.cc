#include "mechanisms/text/literals.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "mechanisms/text/normal_form.h"

namespace davy::text {
namespace {

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
  const auto point = static_cast<UChar32>(c);
  return u_isalnum(point) != 0 || (U_GET_GC_MASK(point) & U_GC_M_MASK) != 0;
}

bool without_spaces(char32_t c) {
  if (c < 0x0E00) return false;  // Thai begins here; all of the list lies above
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(c), &status)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_HANGUL:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR:
    case USCRIPT_TIBETAN: return true;
    default: return false;
  }
}

char32_t code_point_before(std::string_view text, std::size_t at) {
  std::size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80) {
    --begin;
  }
  return next_code_point(text, begin);
}

}  // namespace

std::string normal_phrase(std::string_view phrase) {
  NormalForm form;
  std::string_view text = form.assign(phrase);
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (text.ends_with(' ')) text.remove_suffix(1);
  return std::string(text);
}

bool inside_word(std::string_view text, std::size_t at) noexcept {
  if (at == 0 || at >= text.size()) return false;
  const char32_t before = code_point_before(text, at);
  std::size_t next = at;
  const char32_t after = next_code_point(text, next);
  return is_word(before) && is_word(after) && !without_spaces(before) && !without_spaces(after);
}

Result<Phrases> Phrases::compile(std::span<const std::string> phrases) {
  std::vector<std::string> normal;
  std::vector<Literal> literals;
  for (const std::string& phrase : phrases) {
    normal.push_back(normal_phrase(phrase));
    if (normal.back().empty()) {
      return invalid_input("phrase " + std::to_string(normal.size()) +
                           " is empty after normalisation");
    }
    literals.push_back({normal.back()});
  }
  DAVY_ASSIGN(LiteralDatabase database, LiteralDatabase::compile(literals));
  return Phrases(std::move(database), std::move(normal));
}

Result<std::vector<PhraseMatch>> Phrases::find(std::string_view normal, Scratch& scratch,
                                               std::size_t limit) const {
  std::vector<PhraseMatch> found;
  if (limit == 0) return found;
  DAVY_TRY(database_.search(normal, scratch, [&](std::size_t index, std::size_t end) {
    const Span span{end - phrases_[index].size(), end};
    if (inside_word(normal, span.begin) || inside_word(normal, span.end)) return true;
    found.push_back({index, span});
    return found.size() < limit;
  }));
  std::sort(found.begin(), found.end(), [](const PhraseMatch& a, const PhraseMatch& b) {
    return std::tie(a.span.begin, a.span.end, a.phrase) <
           std::tie(b.span.begin, b.span.end, b.phrase);
  });
  return found;
}

}  // namespace davy::text
