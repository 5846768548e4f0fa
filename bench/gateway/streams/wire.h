// What both ends of the stream benchmark share: sockets, the clock, one piece of a stream.
//
// Both ends run on one machine, so that one clock tells when a piece left and when it came.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

// Nanoseconds since some moment that is the same for all processes of the machine.
[[nodiscard]] std::int64_t now_ns() noexcept;

// One event of an OpenAI chat stream whose text is `number@sent`, framed as an HTTP chunk.
void append_piece(std::string& out, std::uint32_t number, std::int64_t sent_ns);
// The end of such a stream: its last events and the last HTTP chunk.
void append_end(std::string& out);

struct Piece {
  std::uint32_t number = 0;
  std::int64_t sent_ns = 0;
};
// The piece in one event without its frame; nothing in any other event.
[[nodiscard]] std::optional<Piece> read_piece(std::string_view event) noexcept;
[[nodiscard]] bool is_last_event(std::string_view event) noexcept;

// Undoes the chunked transfer coding, however the bytes were split. Extensions and trailers
// are not expected: what is malformed sets `failed`.
class Unchunker {
 public:
  // Appends the payload in `bytes` to `out`.
  void feed(std::string_view bytes, std::string& out);
  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  void end_of_line();
  std::string line_;          // a size line, or the empty line after a chunk
  std::uint64_t left_ = 0;    // of the chunk
  bool after_chunk_ = false;  // the next line ends a chunk
  bool last_ = false;         // the chunk of size 0 was seen
  bool done_ = false;
  bool failed_ = false;
};

// Sockets of 127.0.0.1, non-blocking, without Nagle's delay. -1 and errno, or a descriptor.
[[nodiscard]] int listen_on(std::uint16_t port);
[[nodiscard]] int accept_from(int listener);
[[nodiscard]] int connect_to(std::uint16_t port);
void set_no_delay(int fd);

// Ends the program with a sentence and errno's text.
[[noreturn]] void die(const char* what);

}  // namespace bench
