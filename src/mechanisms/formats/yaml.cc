#include "mechanisms/formats/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/strings.h"

namespace davy::formats {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Ends the parser's run; never leaves this file.
struct Stop : std::exception {
  explicit Stop(Error e) : error(std::move(e)) {}
  Error error;
};

// The text by lines, to keep places inside it and to look at what stands there.
class Lines {
 public:
  Lines(std::string_view text, std::string file)
      : text_(text), lines_(split(text, '\n')), file_(std::move(file)) {}

  // The parser's marks count from 0 and may lie past the end.
  [[nodiscard]] Place place(const YAML::Mark& mark) const {
    const std::size_t line = std::min(at_least_0(mark.line), lines_.size() - 1);
    const std::size_t column = std::min(at_least_0(mark.column), lines_[line].size());
    return place(line, column);
  }
  [[nodiscard]] Place place(std::size_t line, std::size_t column) const {
    return {file_, static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(column + 1)};
  }
  [[nodiscard]] Place place_of_byte(std::size_t offset) const {
    for (std::size_t line = 0; line < lines_.size(); ++line) {
      if (offset <= lines_[line].size()) return place(line, offset);
      offset -= lines_[line].size() + 1;
    }
    return place(lines_.size() - 1, lines_.back().size());
  }
  [[nodiscard]] std::string_view line(const Place& place) const { return lines_[place.line - 1]; }
  // All that stands from there on.
  [[nodiscard]] std::string_view from(const Place& place) const {
    const char* begin = line(place).data() + place.column - 1;
    return text_.substr(static_cast<std::size_t>(begin - text_.data()));
  }

 private:
  static std::size_t at_least_0(int number) noexcept {
    return static_cast<std::size_t>(std::max(number, 0));
  }

  std::string_view text_;
  std::vector<std::string_view> lines_;
  std::string file_;
};

// Whether the quoted text that begins here ends somewhere. The parser takes an open quote
// for one that ends with the file, and so swallows all that follows it.
bool quote_is_closed(std::string_view text) noexcept {
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return true;
      ++i;  // two of them are one character of the text
    }
  }
  return false;
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(const Lines& lines, const YamlLimits& limits, Diagnostics& diagnostics)
      : lines_(lines), limits_(limits), diagnostics_(diagnostics) {}

  [[nodiscard]] ConfigNode take() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      const Place place = lines_.place(mark);
      if (lines_.from(place).starts_with("---")) {
        throw Stop(invalid_input("a second document begins here", place,
                                 "one file holds one document; take the `---` line out"));
      }
      throw Stop(invalid_input("this stands after the end of the document", place,
                               "check the indentation and the line above"));
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(start(ConfigNode::Kind::null, mark, anchor, {}));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_alias(mark); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    ConfigNode node = start(ConfigNode::Kind::scalar, mark, anchor, tag);
    if (value.find('\0') != std::string::npos) {
      throw Stop(invalid_input("this text holds a NUL character", node.place, "take it out"));
    }
    const std::string_view source = lines_.from(node.place);
    const bool quote = tag == "!" && !source.empty() && (source[0] == '"' || source[0] == '\'');
    if (quote && !quote_is_closed(source)) {
      throw Stop(invalid_input("this quote is never closed", node.place, "close it"));
    }
    node.scalar = value;
    node.quoted = tag == "!";  // the parser's mark of quoted and block text
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(start(ConfigNode::Kind::list, mark, anchor, tag));
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(start(ConfigNode::Kind::map, mark, anchor, tag));
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    ConfigNode node;
    std::optional<ConfigNode> key;      // waits for its value
    std::map<std::string, Place> seen;  // keys
  };

  [[noreturn]] void refuse_alias(const YAML::Mark& mark) const {
    throw Stop(invalid_input("anchors (&) and aliases (*) are not allowed", lines_.place(mark),
                             "write the value out, or quote text that begins with & or *"));
  }

  ConfigNode start(ConfigNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor,
                   const std::string& tag) {
    if (anchor != 0) refuse_alias(mark);
    ConfigNode node;
    node.kind = kind;
    node.place = lines_.place(mark);
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Stop(invalid_input("tags (!) are not allowed", node.place,
                               "take the tag out, or quote text that begins with !"));
    }
    if (++nodes_ > limits_.nodes) {
      throw Stop(limit_reached("more than " + std::to_string(limits_.nodes) + " values", node.place,
                               "split the file"));
    }
    return node;
  }

  void open(ConfigNode node) {
    if (stack_.size() >= limits_.depth) {
      throw Stop(limit_reached("nested deeper than " + std::to_string(limits_.depth), node.place,
                               "flatten it"));
    }
    stack_.push_back({std::move(node), std::nullopt, {}});
  }

  void close() {
    ConfigNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(ConfigNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& top = stack_.back();
    if (top.node.kind == ConfigNode::Kind::list) {
      top.node.items.push_back(std::move(node));
    } else if (!top.key) {
      if (node.kind != ConfigNode::Kind::scalar) {
        throw Stop(invalid_input("a key must be text", node.place, "write `name: value`"));
      }
      top.key = std::move(node);
    } else {
      add_entry(top, std::move(node));
    }
  }

  // The parser takes a word that nothing follows for a key without a value.
  [[nodiscard]] bool has_colon(const ConfigNode& key, const ConfigNode& value) const {
    if (std::pair(value.place.line, value.place.column) >
        std::pair(key.place.line, key.place.column)) {
      return true;
    }
    std::string_view rest = lines_.line(key.place).substr(key.place.column - 1);
    rest.remove_prefix(std::min(rest.size(), key.scalar.size()));
    return rest.find(':') != std::string_view::npos;
  }

  void add_entry(Frame& top, ConfigNode value) {
    ConfigNode key = *std::move(top.key);
    top.key.reset();
    if (value.kind == ConfigNode::Kind::null && !has_colon(key, value)) {
      throw Stop(invalid_input("there is no \":\" after this key", key.place,
                               "write `name: value`, and close every [ and {"));
    }
    const auto [first, fresh] = top.seen.emplace(key.scalar, key.place);
    if (fresh) {
      top.node.entries.push_back({std::move(key), std::move(value)});
    } else {
      diagnostics_.error("the key \"" + printable(key.scalar, 100) + "\" stands twice", key.place,
                         "the first is at " + first->second.text());
    }
  }

  const Lines& lines_;
  const YamlLimits& limits_;
  Diagnostics& diagnostics_;
  std::vector<Frame> stack_;
  ConfigNode root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// The parser's own end-of-input sign is the byte 4, so a control character could hide
// what follows it.
std::optional<std::size_t> first_control(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool space = byte == '\t' || byte == '\n' || byte == '\r';
    if ((byte < 0x20 && !space) || byte == 0x7F) return i;
  }
  return std::nullopt;
}

bool indented_by_tab(std::string_view line) noexcept {
  const std::size_t end = line.find_first_not_of(" \t");
  return line.substr(0, end).find('\t') != std::string_view::npos;
}

// The parser's message, in our words where people meet it often.
Error explain(const YAML::ParserException& fault, const Lines& lines) {
  const Place place = lines.place(fault.mark);
  if (indented_by_tab(lines.line(place))) {
    return invalid_input("a tab indents this line", place, "YAML wants spaces");
  }
  if (fault.msg.find("alias") != std::string::npos ||
      fault.msg.find("anchor") != std::string::npos) {
    return invalid_input("anchors (&) and aliases (*) are not allowed", place,
                         "write the value out, or quote text that begins with & or *");
  }
  if (fault.msg == YAML::ErrorMsg::MAP_VALUE) {
    return invalid_input("no YAML: a \":\" that is not expected here", place,
                         "check the indentation, or quote a text that holds \": \"");
  }
  if (fault.msg == YAML::ErrorMsg::END_OF_MAP || fault.msg == YAML::ErrorMsg::END_OF_SEQ) {
    return invalid_input("no YAML: this does not belong to what stands above it", place,
                         "check the indentation and the \":\" after the key");
  }
  // Some messages repeat a piece of the file; those pieces may be content.
  const std::size_t colon = fault.msg.find(": ");
  return invalid_input("no YAML: " + fault.msg.substr(0, colon), place, "check the line");
}

}  // namespace

std::optional<ConfigNode> read_yaml(std::string_view text, const std::string& file,
                                    Diagnostics& diagnostics, const YamlLimits& limits) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.size() > limits.bytes) {
    diagnostics.error("larger than " + std::to_string(limits.bytes) + " bytes", {file, 0, 0},
                      "split the file");
    return std::nullopt;
  }
  const Lines lines(text, file);
  if (const auto bad = first_invalid_utf8(text)) {
    diagnostics.error("not UTF-8", lines.place_of_byte(*bad), "save the file as UTF-8");
    return std::nullopt;
  }
  if (const auto bad = first_control(text)) {
    diagnostics.error("a control character", lines.place_of_byte(*bad), "take it out");
    return std::nullopt;
  }
  Builder builder(lines, limits, diagnostics);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    diagnostics.error(stop.error);
    return std::nullopt;
  } catch (const YAML::ParserException& fault) {
    diagnostics.error(explain(fault, lines));
    return std::nullopt;
  } catch (const YAML::Exception& fault) {
    diagnostics.error("no YAML", lines.place(fault.mark), "check the line");
    return std::nullopt;
  }
  ConfigNode root = std::move(builder).take();
  if (root.place.line == 0) root.place = lines.place(0, 0);
  return root;
}

}  // namespace davy::formats
