// Takes the payload out of a body: by length, chunked, or until the connection closes.
//
//   for (;;) {
//     const auto step = decoder.decode(input);
//     input.remove_prefix(step.consumed);
//     switch (step.state) {
//       case BodyState::data:      use step.data; continue;
//       case BodyState::need_more: read more; …           // input is empty now
//       case BodyState::done:      input is the next head's first bytes; …
//       case BodyState::refused:   answer, close; …
//     }
//   }
//
// No byte is copied or kept: `data` points into `input`. What comes out is the same
// however the bytes are split. Chunk extensions and trailers are checked, bounded and
// dropped. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mechanisms/net/http1/head.h"
#include "mechanisms/net/http1/parser.h"
#include "mechanisms/net/http1/refusal.h"

namespace davy::http1 {

enum class BodyState : std::uint8_t { data, need_more, done, refused };

struct BodyStep {
  BodyState state = BodyState::need_more;
  std::string_view data;     // not empty for `data`, empty else
  std::size_t consumed = 0;  // bytes of `input` that are done with, those of `data` too
};

class BodyDecoder {
 public:
  // No body: done at once.
  BodyDecoder() = default;
  // A length over `limits.body_bytes` is refused by the first call. The other bodies
  // are refused at the first byte (or chunk) that would exceed it.
  BodyDecoder(const Framing& framing, const Limits& limits) noexcept;

  // `done` and `refused` stay.
  [[nodiscard]] BodyStep decode(std::string_view input) noexcept;
  // The connection ended: done for a body until close, else refused (body_truncated)
  // unless the body was complete.
  [[nodiscard]] BodyState at_end() noexcept;

  // Only after `refused`; the offset counts from the body's first byte.
  [[nodiscard]] const Problem& problem() const noexcept { return problem_; }
  [[nodiscard]] bool done() const noexcept { return phase_ == Phase::done; }
  // Bytes of payload given so far.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

 private:
  enum class Phase : std::uint8_t {
    done,
    refused,
    length,
    until_close,
    size,
    extension,
    size_lf,
    chunk,
    chunk_cr,
    chunk_lf,
    trailer_line,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
  };

  BodyStep refuse(Refusal refusal, std::size_t at) noexcept;
  BodyStep take_data(std::string_view input, std::size_t at) noexcept;
  // One byte of chunk framing; returns what is wrong with it, if anything.
  [[nodiscard]] Refusal frame(char c) noexcept;
  [[nodiscard]] Refusal trailer(char c) noexcept;

  std::uint64_t left_ = 0;  // bytes of the chunk or body still to come; the size being read
  std::uint64_t received_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t offset_ = 0;  // bytes consumed by earlier calls
  std::size_t extension_left_ = 0;
  std::size_t trailer_left_ = 0;
  Problem problem_;
  Phase phase_ = Phase::done;
  std::uint8_t digits_ = 0;
};

}  // namespace davy::http1
