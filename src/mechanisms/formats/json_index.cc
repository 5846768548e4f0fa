#include "mechanisms/formats/json_index.h"

#include <algorithm>

#include "mechanisms/formats/json_scan.h"

namespace davy::json {
namespace {

// Node::children has 24 bits.
constexpr std::uint32_t kMostNodes = (1U << 24) - 1;
constexpr std::size_t kMostBytes = 0xFFFF'FFFE;
// Up to here comparing each pair is faster than sorting.
constexpr std::size_t kFewKeys = 12;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
bool is_white(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

// The state of one pass. Functions that can fail return false and leave `error_*`.
class IndexParser {
 public:
  IndexParser(Index& index, const Limits& limits) noexcept
      : index_(index),
        nodes_(index.nodes_),
        text_(index.source_),
        depth_limit_(limits.depth),
        node_limit_(std::min<std::size_t>(limits.nodes, kMostNodes)),
        surrogates_(limits.surrogates),
        fold_numbers_(limits.fold_numbers) {}

  bool document() {
    if (text_.size() > kMostBytes) {
      return over("the JSON text is larger than 4 GiB", "send less");
    }
    if (text_.starts_with(kByteOrderMark)) {
      return fail("a byte order mark stands before the JSON text", "send UTF-8 without it");
    }
    skip_white();
    if (at_ == text_.size()) return fail("the JSON text is empty", "send a JSON value");
    for (;;) {
      bool complete = true;
      if (!value(complete)) return false;
      if (!complete) continue;
      bool more = false;
      if (!after_value(more)) return false;
      if (!more) break;
    }
    skip_white();
    if (at_ == text_.size()) return true;
    return fail("something stands after the end of the JSON value", "send one value alone");
  }

  [[nodiscard]] Error error() const {
    std::string message = "not usable as JSON at byte " + std::to_string(error_at_) + ": ";
    message += error_message_;
    return Error{error_kind_, std::move(message), index_.place(error_at_), error_hint_};
  }

 private:
  bool fail_at(std::size_t at, const char* message, const char* hint) noexcept {
    error_at_ = at;
    error_message_ = message;
    error_hint_ = hint;
    return false;
  }
  bool fail(const char* message, const char* hint) noexcept { return fail_at(at_, message, hint); }
  bool over(const char* message, const char* hint) noexcept {
    error_kind_ = ErrorKind::limit;
    return fail(message, hint);
  }

  // 0 at the end: no place where it is asked for takes a zero byte.
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_white() noexcept {
    while (at_ < text_.size() && is_white(text_[at_])) ++at_;
  }

  bool add(Kind kind, std::size_t begin) {
    if (nodes_.size() >= node_limit_) {
      return over("there are too many values", "send fewer values in one text");
    }
    const auto id = static_cast<NodeId>(nodes_.size());
    Node& node = nodes_.emplace_back();
    node.kind = kind;
    node.begin = static_cast<std::uint32_t>(begin);
    if (depth_ == 0) return true;
    Index::Open& open = index_.open_[depth_ - 1];
    node.parent = open.node;
    node.position = open.children++;
    if (open.last != kNoNode) nodes_[open.last].next = id;
    open.last = id;
    if (nodes_[open.node].kind == Kind::object) {
      node.has_key = true;
      node.key_begin = static_cast<std::uint32_t>(key_.begin);
      node.key_end = static_cast<std::uint32_t>(key_.end);
      node.key_has_escapes = key_has_escapes_;
    }
    return true;
  }

  void end_node(std::size_t end) noexcept { nodes_.back().end = static_cast<std::uint32_t>(end); }

  // Reads a scalar or an empty container whole; of another container only the opening
  // (and the first key), which leaves `complete` false.
  bool value(bool& complete) {
    const std::size_t begin = at_;
    switch (peek()) {
      case '"': {
        if (!add(Kind::string, begin + 1)) return false;
        Span inside;
        bool escapes = false;
        if (!string(inside, escapes)) return false;
        nodes_.back().has_escapes = escapes;
        end_node(inside.end);
        return true;
      }
      case '{': return open(Kind::object, '}', complete);
      case '[': return open(Kind::array, ']', complete);
      case 't': return literal(Kind::boolean, "true");
      case 'f': return literal(Kind::boolean, "false");
      case 'n': return literal(Kind::null, "null");
      default: return number();
    }
  }

  bool literal(Kind kind, std::string_view word) {
    if (text_.substr(at_, word.size()) != word) {
      return fail("a value is neither a string, a number, true, false nor null",
                  "put quotes around text");
    }
    if (!add(kind, at_)) return false;
    at_ += word.size();
    end_node(at_);
    return true;
  }

  bool number() {
    const std::size_t begin = at_;
    if (!skip_number() || !add(Kind::number, begin)) return false;
    end_node(at_);
    return true;
  }

  bool skip_number() noexcept {
    const std::size_t begin = at_;
    if (peek() == '-') ++at_;
    if (!is_digit(peek())) {
      at_ = begin;
      return at_ == text_.size() ? fail("the JSON text ends where a value is due", "send it whole")
                                 : fail("a value is due here", "see RFC 8259 for what may stand");
    }
    if (peek() == '0') {
      ++at_;
      if (is_digit(peek())) return fail("a number begins with 0", "leave out the zero");
    }
    skip_digits();
    if (peek() == '.') {
      ++at_;
      if (!is_digit(peek())) return fail("a number has no digit after its point", "add a 0");
      skip_digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!is_digit(peek())) return fail("a number has no digit in its exponent", "add one");
      skip_digits();
    }
    return true;
  }

  // At the first element of an array: moves past its bracket if all elements are numbers,
  // else nowhere.
  bool skip_numbers() noexcept {
    const std::size_t begin = at_;
    while (is_digit(peek()) || peek() == '-') {
      if (!skip_number()) break;
      skip_white();
      const char c = peek();
      if (c != ',' && c != ']') break;
      ++at_;
      if (c == ']') return true;
      skip_white();
    }
    at_ = begin;
    return false;
  }

  void skip_digits() noexcept {
    while (is_digit(peek())) ++at_;
  }

  bool open(Kind kind, char closer, bool& complete) {
    if (depth_ >= depth_limit_) {
      return fail("objects and arrays are nested too deeply", "nest less");
    }
    if (!add(kind, at_)) return false;
    ++at_;
    skip_white();
    if (peek() == closer) {
      end_node(++at_);
      return true;
    }
    if (fold_numbers_ && kind == Kind::array && skip_numbers()) {
      end_node(at_);
      return true;
    }
    if (index_.open_.size() == depth_) index_.open_.emplace_back();
    Index::Open& open = index_.open_[depth_++];
    open.node = static_cast<NodeId>(nodes_.size() - 1);
    open.last = kNoNode;
    open.children = 0;
    open.first_key = index_.open_keys_.size();
    complete = false;
    return kind == Kind::array || key();
  }

  // What follows a value: a comma (and the next key), or the end of containers. `more`
  // says whether a value is due.
  bool after_value(bool& more) {
    while (depth_ > 0) {
      Index::Open& open = index_.open_[depth_ - 1];
      const bool object = nodes_[open.node].kind == Kind::object;
      skip_white();
      const char c = peek();
      if (c == ',') {
        ++at_;
        skip_white();
        more = true;
        return !object || key();
      }
      if (c != (object ? '}' : ']')) {
        if (at_ == text_.size()) return fail("the JSON text ends too early", "send it whole");
        return object ? fail("a comma or } is due after a member", "check quotes and commas")
                      : fail("a comma or ] is due after an element", "check quotes and commas");
      }
      ++at_;
      Node& node = nodes_[open.node];
      node.end = static_cast<std::uint32_t>(at_);
      node.children = open.children & kMostNodes;
      if (object && !keys_differ(open.first_key)) return false;
      --depth_;
    }
    return true;
  }

  bool key() {
    if (peek() != '"') {
      return at_ == text_.size()
                 ? fail("the JSON text ends where a key is due", "send it whole")
                 : fail("a key in quotes is due here", "quote keys; leave out the last comma");
    }
    if (!string(key_, key_has_escapes_)) return false;
    const std::string_view raw = slice(text_, key_);
    const std::string_view key = key_has_escapes_ ? decode(raw, index_.key_arena_) : raw;
    const bool inside = !key_has_escapes_ && text_.size() - key_.begin >= sizeof(std::uint64_t);
    index_.open_keys_.push_back({inside ? head_of(key) : head_of_short(key), key,
                                 static_cast<std::uint32_t>(key_.begin - 1)});
    skip_white();
    if (peek() != ':') return fail("a colon is due after a key", "check quotes and colons");
    ++at_;
    skip_white();
    return true;
  }

  // At the quote; moves past the one that ends it.
  bool string(Span& inside, bool& escapes) noexcept {
    const std::size_t begin = ++at_;
    bool high = false;
    escapes = false;
    for (;;) {
      at_ = end_of_run(text_, at_, high);
      if (at_ == text_.size()) {
        return fail_at(begin - 1, "a string is not closed", "end it with a quote");
      }
      if (text_[at_] == '"') break;
      if (text_[at_] != '\\') {
        return fail("a string holds a control character", "escape it, such as \\n or \\u0000");
      }
      escapes = true;
      if (!escape()) return false;
    }
    inside = {begin, at_};
    ++at_;
    if (!high) return true;
    const auto bad = first_invalid_utf8(slice(text_, inside));
    return !bad || fail_at(begin + *bad, "a string is not valid UTF-8", "encode it as UTF-8");
  }

  bool escape() noexcept {
    const std::size_t begin = at_++;
    switch (peek()) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't': ++at_; return true;
      case 'u': break;
      default: return fail_at(begin, "a backslash begins no escape of JSON", "write \\\\ for one");
    }
    std::uint32_t unit = 0;
    if (!unicode_unit(begin, unit)) return false;
    if (surrogates_ == Surrogates::replace || unit < 0xD800 || unit > 0xDFFF) return true;
    const std::size_t second = at_;
    std::uint32_t low = 0;
    if (unit <= 0xDBFF && text_.substr(at_, 2) == "\\u") {
      ++at_;
      if (!unicode_unit(second, low)) return false;
      if (low >= 0xDC00 && low <= 0xDFFF) return true;
    }
    return fail_at(begin, "half of a surrogate pair stands alone, which is no character",
                   "send the pair, or the character as UTF-8");
  }

  // At the u; moves past its four digits.
  bool unicode_unit(std::size_t begin, std::uint32_t& unit) noexcept {
    ++at_;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      if (!is_hex(c))
        return fail_at(begin, "\\u needs four hex digits", "write \\\\ for a backslash");
      unit = unit * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return true;
  }

  // Ends the object whose keys begin at `first`.
  bool keys_differ(std::size_t first) {
    auto& keys = index_.open_keys_;
    std::size_t twin = text_.size();  // the place of a second key, if there is one
    const std::size_t count = keys.size() - first;
    if (count <= kFewKeys) {
      for (std::size_t i = first + 1; i < keys.size(); ++i) {
        for (std::size_t j = first; j < i; ++j) {
          if (keys[i].head == keys[j].head && keys[i].text == keys[j].text) {
            twin = std::min<std::size_t>(twin, keys[i].at);
          }
        }
      }
    } else {
      const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(first);
      std::sort(begin, keys.end(), [](const Index::OpenKey& a, const Index::OpenKey& b) {
        if (a.head != b.head) return a.head < b.head;
        const int order = a.text.compare(b.text);
        return order != 0 ? order < 0 : a.at < b.at;
      });
      for (std::size_t i = first + 1; i < keys.size(); ++i) {
        if (keys[i].head == keys[i - 1].head && keys[i].text == keys[i - 1].text) {
          twin = std::min<std::size_t>(twin, keys[i].at);
        }
      }
    }
    keys.resize(first);
    return twin == text_.size() ||
           fail_at(twin, "an object has the same key twice", "keep one: readers differ in which");
  }

  Index& index_;
  std::vector<Node>& nodes_;
  std::string_view text_;
  std::size_t depth_limit_;
  std::size_t node_limit_;
  Surrogates surrogates_;
  bool fold_numbers_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  Span key_;
  bool key_has_escapes_ = false;

  ErrorKind error_kind_ = ErrorKind::invalid_input;
  std::size_t error_at_ = 0;
  const char* error_message_ = "";
  const char* error_hint_ = "";
};

void Index::clear() noexcept {
  source_ = {};
  nodes_.clear();
  open_keys_.clear();
  key_arena_.clear();
}

Result<void> Index::parse(std::string_view source, const Limits& limits) {
  clear();
  source_ = source;
  IndexParser parser(*this, limits);
  if (parser.document()) return {};
  Error error = parser.error();
  clear();
  return error;
}

}  // namespace davy::json
