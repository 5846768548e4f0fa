// The head of a request or an answer, as views into the caller's buffer.
//
// A head holds offsets and the address of the buffer's first byte, no text. All views
// that it gives are valid until that buffer moves or goes; after a move, `rebase`.
// Reused through its parser, a head allocates once (for its list of fields).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

namespace davy::http1 {

struct FieldView {
  std::string_view name;   // a token, as it came (case kept)
  std::string_view value;  // without space around it; may be empty, may hold bytes >= 0x80

  bool operator==(const FieldView&) const = default;
};

// The fields that this codec itself understands.
enum class FieldKind : std::uint8_t {
  other,
  host,
  content_length,
  expect,
  // Hop-by-hop from here on (RFC 9110 7.6.1, and Proxy-Connection, which is no
  // standard but is sent).
  connection,
  keep_alive,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  te,
  trailer,
  transfer_encoding,
  upgrade,
};

[[nodiscard]] FieldKind field_kind(std::string_view name) noexcept;

// Whether a field of that name is for this connection alone, whatever Connection says.
[[nodiscard]] bool is_hop_by_hop(std::string_view name) noexcept;

enum class BodyKind : std::uint8_t { none, length, chunked, until_close };

struct Framing {
  BodyKind body = BodyKind::none;
  // What Content-Length says. With `body == none` it may still be there (an answer to
  // HEAD, a 304, a request of length 0) and tells of no bytes.
  std::optional<std::uint64_t> content_length{};
  bool keep_alive = false;       // the connection may carry another exchange
  bool expect_continue = false;  // HTTP/1.1, a body follows, and the client waits for 100
  bool upgrade = false;          // HTTP/1.1, Connection names upgrade and Upgrade is there

  [[nodiscard]] bool no_body() const noexcept { return body == BodyKind::none; }
  [[nodiscard]] bool chunked() const noexcept { return body == BodyKind::chunked; }
  bool operator==(const Framing&) const = default;
};

// The fields in the order in which they came.
class Fields {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;  // gives values, not references
    using value_type = FieldView;
    using difference_type = std::ptrdiff_t;
    using reference = FieldView;
    using pointer = void;

    Iterator(const Fields& fields, std::size_t at) noexcept : fields_(&fields), at_(at) {}
    FieldView operator*() const noexcept { return (*fields_)[at_]; }
    Iterator& operator++() noexcept { return ++at_, *this; }
    Iterator operator++(int) noexcept { return {*fields_, at_++}; }
    bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }

   private:
    const Fields* fields_;
    std::size_t at_;
  };

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  // `at` must be below size().
  [[nodiscard]] FieldView operator[](std::size_t at) const noexcept {
    const Entry& e = entries_[at];
    return {{base_ + e.name, e.name_size}, {base_ + e.value, e.value_size}};
  }
  [[nodiscard]] FieldKind kind(std::size_t at) const noexcept { return entries_[at].kind; }
  [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {*this, entries_.size()}; }

  // The value of the first field of that name, whatever the case of its letters.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

  // Calls `visit(FieldView)` for each field that may go on to the next hop: without the
  // hop-by-hop fields, those that Connection names, and Host, Content-Length and
  // Expect, which whoever writes the next head states anew.
  template <class Visit>
  void each_end_to_end(Visit&& visit) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i].kind == FieldKind::other && !(names_more_ && named_by_connection(i))) {
        visit((*this)[i]);
      }
    }
  }

 private:
  friend class HeadParser;
  friend class RequestHead;
  friend class ResponseHead;

  struct Entry {
    std::uint32_t name = 0;
    std::uint32_t name_size = 0;
    std::uint32_t value = 0;
    std::uint32_t value_size = 0;
    FieldKind kind = FieldKind::other;
  };

  [[nodiscard]] bool named_by_connection(std::size_t at) const noexcept;

  const char* base_ = nullptr;
  std::vector<Entry> entries_;
  bool names_more_ = false;  // Connection names fields other than the standard ones
};

// A part of the buffer.
struct Part {
  std::uint32_t at = 0;
  std::uint32_t size = 0;
};

class RequestHead {
 public:
  [[nodiscard]] std::string_view method() const noexcept { return view(method_); }
  // As it came: origin-form, absolute-form or `*`.
  [[nodiscard]] std::string_view target() const noexcept { return view(target_); }
  // The target's path, not decoded; "/" where an absolute-form has none; "*" for `*`.
  [[nodiscard]] std::string_view path() const noexcept {
    return path_.size == 0 ? std::string_view("/") : view(path_);
  }
  // What follows the first `?`; empty where there is none.
  [[nodiscard]] std::string_view query() const noexcept { return view(query_); }
  [[nodiscard]] std::string_view host() const noexcept { return view(host_); }
  [[nodiscard]] int minor_version() const noexcept { return minor_version_; }  // 0 or 1
  [[nodiscard]] const Fields& fields() const noexcept { return fields_; }
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  // Bytes of the head with its empty line: the body starts there.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  // The buffer's first byte is now there.
  void rebase(const char* base) noexcept { fields_.base_ = base; }

 private:
  friend class HeadParser;
  friend class RequestParser;
  [[nodiscard]] std::string_view view(Part part) const noexcept {
    return {fields_.base_ + part.at, part.size};
  }

  Fields fields_;
  Framing framing_;
  std::size_t size_ = 0;
  Part method_, target_, path_, query_, host_;
  int minor_version_ = 1;
};

class ResponseHead {
 public:
  [[nodiscard]] int status() const noexcept { return status_; }  // 100 to 999
  [[nodiscard]] bool interim() const noexcept { return status_ < 200; }
  [[nodiscard]] std::string_view reason() const noexcept {
    return {fields_.base_ + reason_.at, reason_.size};
  }
  [[nodiscard]] int minor_version() const noexcept { return minor_version_; }  // 0 or 1
  [[nodiscard]] const Fields& fields() const noexcept { return fields_; }
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void rebase(const char* base) noexcept { fields_.base_ = base; }

 private:
  friend class HeadParser;
  friend class ResponseParser;

  Fields fields_;
  Framing framing_;
  std::size_t size_ = 0;
  Part reason_;
  int status_ = 0;
  int minor_version_ = 1;
};

}  // namespace davy::http1
