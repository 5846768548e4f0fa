// For tests and fuzzers: reads a whole stream of messages in given pieces and tells
// everything that the codec said about it, so that two readings can be compared.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mechanisms/net/http1/body.h"
#include "mechanisms/net/http1/parser.h"

namespace davy::http1::for_tests {

enum class Kind : unsigned char { request, answer, answer_to_head };
enum class End : unsigned char { idle, in_head, in_body, refused };

struct Message {
  std::string start;  // method or status, target or reason, version
  std::string path, query, host;
  std::vector<std::pair<std::string, std::string>> fields;
  Framing framing;
  std::size_t head_size = 0;
  std::size_t size = 0;  // with the body, as far as it was consumed
  std::string payload;
  bool operator==(const Message&) const = default;
};

struct Reading {
  std::vector<Message> messages;  // the last one may lack a part of its body
  End end = End::idle;
  Problem problem;  // its offset counts from the stream's first byte
  std::size_t consumed = 0;
  bool operator==(const Reading&) const = default;
};

inline Message describe(const RequestHead& head) {
  Message m;
  m.start.append(head.method()).append(1, ' ').append(head.target());
  m.start.append(1, ' ').append(std::to_string(head.minor_version()));
  m.path = head.path();
  m.query = head.query();
  m.host = head.host();
  return m;
}

inline Message describe(const ResponseHead& head) {
  Message m;
  m.start = std::to_string(head.status());
  m.start.append(1, ' ').append(head.reason());
  m.start.append(1, ' ').append(std::to_string(head.minor_version()));
  return m;
}

template <class Parser>
class Reader {
 public:
  Reader(const Limits& limits, bool answers_head)
      : limits_(limits), parser_(limits), answers_head_(answers_head) {
    reset();
  }

  // The bytes move to a block of their exact size each time, so that a view kept too
  // long or a read past the end is seen by AddressSanitizer.
  void feed(std::string_view piece) {
    auto moved = std::make_unique<char[]>(size_ + piece.size());
    if (size_ > 0) std::memcpy(moved.get(), buffer_.get(), size_);
    if (!piece.empty()) std::memcpy(moved.get() + size_, piece.data(), piece.size());
    buffer_ = std::move(moved);
    size_ += piece.size();
    while (reading_.end != End::refused && (in_body_ ? take_body() : take_head())) {
    }
  }

  Reading finish(bool at_end) {
    if (at_end && in_body_) {
      if (body_.at_end() == BodyState::refused) {
        refuse(body_.problem());
      } else {
        end_message();
      }
    } else if (reading_.end != End::refused) {
      reading_.end = in_body_ ? End::in_body : parser_.started() ? End::in_head : End::idle;
    }
    return std::move(reading_);
  }

 private:
  void reset() {
    if constexpr (std::is_same_v<Parser, ResponseParser>) {
      parser_.reset(answers_head_);
    } else {
      parser_.reset();
    }
  }

  void consume(std::size_t bytes) {
    std::memmove(buffer_.get(), buffer_.get() + bytes, size_ - bytes);
    size_ -= bytes;
    reading_.consumed += bytes;
  }

  void refuse(Problem problem) {
    reading_.end = End::refused;
    reading_.problem = {problem.refusal, start_ + problem.offset};
  }

  void end_message() {
    reading_.messages.back().size = reading_.consumed - message_start_;
    in_body_ = false;
    start_ = reading_.consumed;
    message_start_ = start_;
    reset();
  }

  bool take_head() {
    const std::string_view buffer(buffer_.get(), size_);
    switch (parser_.parse(buffer)) {
      case Progress::need_more: return false;
      case Progress::refused: refuse(parser_.problem()); return false;
      case Progress::complete: break;
    }
    const auto& head = parser_.head();
    Message message = describe(head);
    for (const FieldView field : head.fields()) {
      message.fields.emplace_back(field.name, field.value);
    }
    message.framing = head.framing();
    message.head_size = head.size();
    reading_.messages.push_back(std::move(message));
    body_ = BodyDecoder(head.framing(), limits_);
    in_body_ = true;
    consume(head.size());
    start_ = reading_.consumed;
    return true;
  }

  bool take_body() {
    const BodyStep step = body_.decode({buffer_.get(), size_});
    reading_.messages.back().payload += step.data;
    consume(step.consumed);
    switch (step.state) {
      case BodyState::data: return true;
      case BodyState::need_more: return false;
      case BodyState::refused: refuse(body_.problem()); return false;
      case BodyState::done: end_message(); return true;
    }
    return false;
  }

  Limits limits_;
  Parser parser_;
  BodyDecoder body_;
  bool answers_head_;
  bool in_body_ = false;
  std::unique_ptr<char[]> buffer_;
  std::size_t size_ = 0;
  std::size_t start_ = 0;  // of the head or body at hand, in the stream
  std::size_t message_start_ = 0;
  Reading reading_;
};

// Reads `input` cut at the offsets in `cuts`, which must rise and lie inside. With
// `at_end` the connection ends after it.
inline Reading read(Kind kind, std::string_view input, std::span<const std::size_t> cuts,
                    const Limits& limits, bool at_end) {
  const auto with = [&](auto reader) {
    std::size_t from = 0;
    for (const std::size_t cut : cuts) {
      reader.feed(input.substr(from, cut - from));
      from = cut;
    }
    reader.feed(input.substr(from));
    return reader.finish(at_end);
  };
  if (kind == Kind::request) return with(Reader<RequestParser>(limits, false));
  return with(Reader<ResponseParser>(limits, kind == Kind::answer_to_head));
}

inline Reading read_whole(Kind kind, std::string_view input, const Limits& limits, bool at_end) {
  return read(kind, input, {}, limits, at_end);
}

}  // namespace davy::http1::for_tests
