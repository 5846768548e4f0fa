#include "mechanisms/net/http1/body.h"

#include <algorithm>

#include "mechanisms/net/http1/characters.h"

namespace davy::http1 {
namespace {

using namespace characters;

// 60 bits, so that no sum of sizes can overflow; also bounds leading zeros.
constexpr std::uint8_t kMaxSizeDigits = 15;

constexpr std::uint64_t hex_digit(char c) noexcept {
  return static_cast<std::uint64_t>(is(c, kDigit) ? c - '0' : to_lower(c) - 'a' + 10);
}

}  // namespace

BodyDecoder::BodyDecoder(const Framing& framing, const Limits& limits) noexcept
    : limit_(limits.body_bytes),
      extension_left_(limits.extension_bytes),
      trailer_left_(limits.trailer_bytes) {
  switch (framing.body) {
    case BodyKind::none: break;
    case BodyKind::length:
      left_ = framing.content_length.value_or(0);
      phase_ = left_ > 0 ? Phase::length : Phase::done;
      break;
    case BodyKind::chunked: phase_ = Phase::size; break;
    case BodyKind::until_close: phase_ = Phase::until_close; break;
  }
}

BodyStep BodyDecoder::refuse(Refusal refusal, std::size_t at) noexcept {
  problem_ = {refusal, static_cast<std::size_t>(offset_) + at};
  phase_ = Phase::refused;
  offset_ += at;
  return {BodyState::refused, {}, at};
}

BodyStep BodyDecoder::take_data(std::string_view input, std::size_t at) noexcept {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - at));
  left_ -= size;
  received_ += size;
  offset_ += at + size;
  if (left_ == 0) phase_ = phase_ == Phase::chunk ? Phase::chunk_cr : Phase::done;
  return {BodyState::data, input.substr(at, size), at + size};
}

BodyStep BodyDecoder::decode(std::string_view input) noexcept {
  if (phase_ == Phase::done) return {BodyState::done, {}, 0};
  if (phase_ == Phase::refused) return {BodyState::refused, {}, 0};
  if (phase_ == Phase::length && received_ == 0 && left_ > limit_) {
    return refuse(Refusal::body_too_large, 0);
  }
  if (input.empty()) return {};
  if (phase_ == Phase::length) return take_data(input, 0);
  if (phase_ == Phase::until_close) {
    left_ = limit_ - received_;
    if (left_ == 0) return refuse(Refusal::body_too_large, 0);
    BodyStep step = take_data(input, 0);
    phase_ = Phase::until_close;
    return step;
  }
  for (std::size_t at = 0; at < input.size(); ++at) {
    if (phase_ == Phase::chunk) return take_data(input, at);
    if (const Refusal refusal = frame(input[at]); refusal != Refusal::none) {
      return refuse(refusal, at);
    }
    if (phase_ == Phase::done) {
      offset_ += at + 1;
      return {BodyState::done, {}, at + 1};
    }
  }
  offset_ += input.size();
  return {BodyState::need_more, {}, input.size()};
}

BodyState BodyDecoder::at_end() noexcept {
  if (phase_ == Phase::until_close) phase_ = Phase::done;
  if (phase_ != Phase::done && phase_ != Phase::refused) refuse(Refusal::body_truncated, 0);
  return phase_ == Phase::done ? BodyState::done : BodyState::refused;
}

Refusal BodyDecoder::frame(char c) noexcept {
  switch (phase_) {
    case Phase::size:
      if (is(c, kHex)) {
        if (digits_ == kMaxSizeDigits) return Refusal::chunk_size_overflow;
        left_ = left_ << 4 | hex_digit(c);
        ++digits_;
        return Refusal::none;
      }
      if (c == '\n') return Refusal::bare_lf;
      if (digits_ == 0 || (c != '\r' && c != ';')) return Refusal::chunk_size_invalid;
      if (left_ > limit_ - received_) return Refusal::body_too_large;
      phase_ = c == ';' ? Phase::extension : Phase::size_lf;
      if (c == ';') return frame(c);
      return Refusal::none;
    case Phase::extension:
      if (c == '\r') {
        phase_ = Phase::size_lf;
        return Refusal::none;
      }
      if (c == '\n') return Refusal::bare_lf;
      // No quotes, so that no line end can hide in one; no blanks.
      if (!is(c, kToken) && c != ';' && c != '=') return Refusal::chunk_extension_invalid;
      if (extension_left_ == 0) return Refusal::chunk_extension_too_long;
      --extension_left_;
      return Refusal::none;
    case Phase::size_lf:
      if (c != '\n') return Refusal::bare_cr;
      phase_ = left_ == 0 ? Phase::trailer_line : Phase::chunk;
      digits_ = 0;
      return Refusal::none;
    case Phase::chunk_cr:
      if (c != '\r') return Refusal::chunk_end_missing;
      phase_ = Phase::chunk_lf;
      return Refusal::none;
    case Phase::chunk_lf:
      if (c != '\n') return Refusal::chunk_end_missing;
      phase_ = Phase::size;
      return Refusal::none;
    default: return trailer(c);
  }
}

// The same rules as for the fields of a head. What a trailer says is dropped: merging it
// into the head would let it say again what was decided before.
Refusal BodyDecoder::trailer(char c) noexcept {
  if (phase_ == Phase::end_lf) {
    if (c != '\n') return Refusal::bare_cr;
    phase_ = Phase::done;
    return Refusal::none;
  }
  if (phase_ == Phase::trailer_line && c == '\r') {
    phase_ = Phase::end_lf;
    return Refusal::none;
  }
  if (trailer_left_ == 0) return Refusal::trailer_too_large;
  --trailer_left_;
  switch (phase_) {
    case Phase::trailer_line:
      if (c == '\n') return Refusal::bare_lf;
      if (is_blank(c)) return Refusal::folded_line;
      if (c == ':') return Refusal::field_name_empty;
      if (!is(c, kToken)) return Refusal::field_name_invalid;
      phase_ = Phase::trailer_name;
      return Refusal::none;
    case Phase::trailer_name:
      if (c == ':') phase_ = Phase::trailer_value;
      if (c == ':' || is(c, kToken)) return Refusal::none;
      if (is_blank(c)) return Refusal::space_before_colon;
      if (c == '\r') return Refusal::colon_missing;
      return c == '\n' ? Refusal::bare_lf : Refusal::field_name_invalid;
    case Phase::trailer_value:
      if (c == '\r') phase_ = Phase::trailer_lf;
      if (c == '\r' || is(c, kValue)) return Refusal::none;
      return c == '\n' ? Refusal::bare_lf : Refusal::field_value_invalid;
    default:  // trailer_lf
      if (c != '\n') return Refusal::bare_cr;
      phase_ = Phase::trailer_line;
      return Refusal::none;
  }
}

}  // namespace davy::http1
