#include "mechanisms/text/normal_form.h"

#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace davy::text {
namespace {

// Some bytes of a text at once.
#ifdef __SSE2__
class Block {
 public:
  static constexpr std::size_t kSize = 16;
  explicit Block(const char* at) noexcept { std::memcpy(&bytes_, at, kSize); }
  // Whether one is a control character or no ASCII.
  [[nodiscard]] bool has_other() const noexcept {
    // Signed: bytes from 0x80 on are below 0x20 too.
    const __m128i low = _mm_cmplt_epi8(bytes_, _mm_set1_epi8(0x20));
    const __m128i del = _mm_cmpeq_epi8(bytes_, _mm_set1_epi8(0x7F));
    return _mm_movemask_epi8(_mm_or_si128(low, del)) != 0;
  }
  // A bit for each that is a space, the first in the lowest.
  [[nodiscard]] std::uint32_t spaces() const noexcept {
    return static_cast<std::uint32_t>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(' '))));
  }
  void write_lower(char* out) const noexcept {
    const __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(bytes_, _mm_set1_epi8('A' - 1)),
                                        _mm_cmplt_epi8(bytes_, _mm_set1_epi8('Z' + 1)));
    const __m128i lower = _mm_or_si128(bytes_, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
    std::memcpy(out, &lower, kSize);
  }

 private:
  __m128i bytes_;
};
#else
class Block {
 public:
  static constexpr std::size_t kSize = 1;
  explicit Block(const char* at) noexcept : byte_(*at) {}
  [[nodiscard]] bool has_other() const noexcept { return byte_ < 0x20 || byte_ > 0x7E; }
  [[nodiscard]] std::uint32_t spaces() const noexcept { return byte_ == ' ' ? 1U : 0U; }
  void write_lower(char* out) const noexcept {
    *out = byte_ >= 'A' && byte_ <= 'Z' ? static_cast<char>(byte_ | 0x20) : byte_;
  }

 private:
  char byte_;
};
#endif

// Buffers above this are given back after a text that does not need them.
constexpr std::size_t kKeep = std::size_t{1} << 20;

bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

const icu::Normalizer2* nfkc_casefold() {
  // ICU's own data, linked in: it is there or the build is broken.
  static const icu::Normalizer2* const normalizer = [] {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* found = icu::Normalizer2::getNFKCCasefoldInstance(status);
    return U_SUCCESS(status) ? found : nullptr;
  }();
  return normalizer;
}

std::size_t piece_index(const std::vector<NormalForm::Piece>& pieces, std::size_t at) {
  const auto after = std::upper_bound(
      pieces.begin(), pieces.end(), at,
      [](std::size_t value, const NormalForm::Piece& piece) { return value < piece.normal_begin; });
  return static_cast<std::size_t>(after - pieces.begin()) - 1;
}

Span original_span(const std::vector<NormalForm::Piece>& pieces, Span normal) {
  const NormalForm::Piece& first = pieces[piece_index(pieces, normal.begin)];
  const NormalForm::Piece& last = pieces[piece_index(pieces, normal.end - 1)];
  Span result{first.original.begin, last.original.end};
  if (first.verbatim) result.begin += normal.begin - first.normal_begin;
  if (last.verbatim) result.end = last.original.begin + (normal.end - last.normal_begin);
  return result;
}

}  // namespace

// One pass over a text. ASCII goes straight through; a stretch of other characters (an
// "island", with the ASCII character before it, which may combine with it) goes through ICU.
class Normaliser {
 public:
  Normaliser(NormalForm& form, std::string_view text) : form_(form), text_(text) {}

  void run() {
    form_.size_ = 0;
    form_.original_size_ = text_.size();
    form_.pieces_.clear();
    if (form_.buffer_.size() > kKeep && text_.size() < kKeep / 16) {
      std::vector<char>(kKeep).swap(form_.buffer_);
    }
    reserve(text_.size() + Block::kSize);
    while (at_ < text_.size()) {
      fast_ascii();
      if (at_ < text_.size()) one_character();
    }
  }

 private:
  void reserve(std::size_t more) {
    const std::size_t need = form_.size_ + more;
    if (form_.buffer_.size() < need) {
      form_.buffer_.resize(std::max(need, form_.buffer_.size() + form_.buffer_.size() / 2));
    }
  }

  [[nodiscard]] char last() const {
    return form_.size_ == 0 ? '\0' : form_.buffer_[form_.size_ - 1];
  }

  // A verbatim piece that the next byte of output may extend, which comes from `original`.
  void verbatim_from(std::size_t original) {
    auto& pieces = form_.pieces_;
    if (pieces.empty() || !pieces.back().verbatim || pieces.back().original.end != original) {
      pieces.push_back({form_.size_, {original, original}, true});
    }
  }

  // A block of ASCII bytes at a time, as long as they need nothing but lower case.
  void fast_ascii() {
    const std::size_t begin = at_;
    char* const out = form_.buffer_.data();
    std::size_t size = form_.size_;
    bool after_space = last() == ' ';
    while (text_.size() - at_ >= Block::kSize) {
      Block block(text_.data() + at_);
      if (block.has_other()) break;
      const std::uint32_t spaces = block.spaces();
      if ((spaces & ((spaces << 1) | (after_space ? 1U : 0U))) != 0) break;
      after_space = (spaces >> (Block::kSize - 1)) != 0;
      block.write_lower(out + size);
      size += Block::kSize;
      at_ += Block::kSize;
    }
    if (at_ == begin) return;
    verbatim_from(begin);
    form_.pieces_.back().original.end = at_;
    form_.size_ = size;
  }

  void one_character() {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte < 0x80) {
      ascii(static_cast<char>(byte));
      return;
    }
    std::size_t next = at_;
    const char32_t c = next_code_point(text_, next);
    if (is_white_space(c)) {
      white_space(next);
    } else if (is_control(c)) {
      at_ = next;
    } else {
      island();
    }
  }

  void ascii(char c) {
    const auto code = static_cast<char32_t>(static_cast<unsigned char>(c));
    if (is_white_space(code)) {
      white_space(at_ + 1);
    } else if (is_control(code)) {
      ++at_;
    } else {
      reserve(1 + room_left());
      verbatim_from(at_);
      form_.buffer_[form_.size_++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      form_.pieces_.back().original.end = ++at_;
    }
  }

  // What fast_ascii may write without asking.
  [[nodiscard]] std::size_t room_left() const { return text_.size() - at_ + Block::kSize; }

  void white_space(std::size_t next) {
    auto& pieces = form_.pieces_;
    if (last() == ' ') {
      if (pieces.back().verbatim) split_last_space();
      pieces.back().original.end = next;
    } else {
      reserve(1 + room_left());
      if (next - at_ == 1) {
        verbatim_from(at_);
      } else {
        pieces.push_back({form_.size_, {at_, next}, false});
      }
      form_.buffer_[form_.size_++] = ' ';
      pieces.back().original.end = next;
    }
    at_ = next;
  }

  // The last byte of a verbatim piece becomes a piece of its own: a run of white space.
  void split_last_space() {
    auto& pieces = form_.pieces_;
    const std::size_t end = pieces.back().original.end;
    --pieces.back().original.end;
    if (pieces.back().original.empty()) pieces.pop_back();
    pieces.push_back({form_.size_ - 1, {end - 1, end}, false});
  }

  void island() {
    collect_island();
    form_.folded_.clear();
    icu::Edits edits;
    UErrorCode status = nfkc_casefold() == nullptr ? U_MISSING_RESOURCE_ERROR : U_ZERO_ERROR;
    const auto size = static_cast<std::int32_t>(form_.island_.size());
    if (U_SUCCESS(status)) {
      icu::StringByteSink<std::string> sink(&form_.folded_, size);
      nfkc_casefold()->normalizeUTF8(0, icu::StringPiece(form_.island_.data(), size), sink, &edits,
                                     status);
    }
    if (U_FAILURE(status)) {  // Out of memory, or ICU's data is gone: the text stays as it is.
      reserve(form_.island_.size() + room_left());
      append({0, form_.island_.size()}, form_.island_, true);
      return;
    }
    reserve(form_.folded_.size() + room_left());
    icu::Edits::Iterator edit = edits.getFineIterator();
    while (edit.next(status)) {
      const auto from = static_cast<std::size_t>(edit.sourceIndex());
      const Span source{from, from + static_cast<std::size_t>(edit.oldLength())};
      const auto to = static_cast<std::size_t>(edit.destinationIndex());
      append(source,
             std::string_view(form_.folded_).substr(to, static_cast<std::size_t>(edit.newLength())),
             !edit.hasChange());
    }
  }

  // Fills island_ with valid UTF-8 up to the next ASCII character or white space, and
  // island_pieces_ with where each byte came from.
  void collect_island() {
    form_.island_.clear();
    form_.island_pieces_.clear();
    auto& pieces = form_.pieces_;
    if (form_.size_ > 0 && last() > ' ' && pieces.back().verbatim) {
      Span& back = pieces.back().original;
      add_to_island(std::string_view(&form_.buffer_[form_.size_ - 1], 1), {back.end - 1, back.end});
      --form_.size_;
      if (--back.end == back.begin) pieces.pop_back();
    }
    while (at_ < text_.size()) {
      std::size_t next = at_;
      const char32_t c = next_code_point(text_, next);
      if (is_control(c) && !is_white_space(c)) {
        at_ = next;  // also an ASCII one: what follows may combine with what came before
        continue;
      }
      if (c < 0x80 || is_white_space(c)) break;
      const bool ill_formed = c == 0xFFFD && next - at_ == 1;
      add_to_island(ill_formed ? "\xEF\xBF\xBD" : text_.substr(at_, next - at_), {at_, next});
      at_ = next;
      if (form_.island_.size() >= kMaxIsland && may_end_island()) break;
    }
  }

  // ICU counts in 32 bits. A text without one ASCII character in so many bytes is cut
  // where ICU says that nothing combines.
  static constexpr std::size_t kMaxIsland = std::size_t{1} << 20;
  [[nodiscard]] bool may_end_island() const {
    if (at_ >= text_.size() || form_.island_.size() >= kMaxIsland * 512) return true;
    std::size_t next = at_;
    const char32_t c = next_code_point(text_, next);
    return !is_control(c) && nfkc_casefold() != nullptr &&
           nfkc_casefold()->hasBoundaryBefore(static_cast<UChar32>(c));
  }

  void add_to_island(std::string_view bytes, Span original) {
    auto& pieces = form_.island_pieces_;
    const bool verbatim = bytes.size() == original.size();
    if (pieces.empty() || !verbatim || !pieces.back().verbatim ||
        pieces.back().original.end != original.begin) {
      pieces.push_back({form_.island_.size(), original, verbatim});
    } else {
      pieces.back().original.end = original.end;
    }
    form_.island_ += bytes;
  }

  // `source` is a span of the island that became `bytes`.
  void append(Span source, std::string_view bytes, bool unchanged) {
    if (source.empty() || bytes.empty()) return;
    if (!unchanged) {
      append_unit(original_span(form_.island_pieces_, source), bytes);
      return;
    }
    // Piece by piece, as what was skipped inside the island breaks the run.
    while (!source.empty()) {
      const std::size_t index = piece_index(form_.island_pieces_, source.begin);
      const std::size_t end =
          index + 1 < form_.island_pieces_.size()
              ? std::min(source.end, form_.island_pieces_[index + 1].normal_begin)
              : source.end;
      const Span part{source.begin, end};
      const std::string_view text = bytes.substr(0, part.size());
      if (form_.island_pieces_[index].verbatim) {
        const Span original = original_span(form_.island_pieces_, part);
        verbatim_from(original.begin);
        form_.pieces_.back().original.end = original.end;
        copy(text);
      } else {
        append_unit(original_span(form_.island_pieces_, part), text);
      }
      bytes.remove_prefix(part.size());
      source.begin = end;
    }
  }

  // Spaces may come out of compatibility characters: they fold too.
  void append_unit(Span original, std::string_view bytes) {
    form_.pieces_.push_back({form_.size_, original, false});
    const std::size_t before = form_.size_;
    for (const char c : bytes) {
      if (c == ' ' && form_.size_ > 0 && last() == ' ') continue;
      form_.buffer_[form_.size_++] = c;
    }
    if (form_.size_ == before) form_.pieces_.pop_back();
  }

  void copy(std::string_view bytes) {
    std::memcpy(form_.buffer_.data() + form_.size_, bytes.data(), bytes.size());
    form_.size_ += bytes.size();
  }

  NormalForm& form_;
  std::string_view text_;
  std::size_t at_ = 0;
};

std::string_view NormalForm::assign(std::string_view text) {
  Normaliser(*this, text).run();
  return this->text();
}

Span NormalForm::original(Span normal) const noexcept { return original_span(pieces_, normal); }

}  // namespace davy::text
