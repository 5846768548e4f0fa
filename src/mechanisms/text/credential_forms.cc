#include "mechanisms/text/credential_forms.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/ids.h"
#include "base/strings.h"

namespace davy::text::forms {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool contains_ignoring_case(std::string_view text, std::string_view lower_word) {
  const auto same = [](char a, char b) { return to_lower(a) == b; };
  return std::search(text.begin(), text.end(), lower_word.begin(), lower_word.end(), same) !=
         text.end();
}

char at_or_nul(std::string_view text, std::size_t at) { return at < text.size() ? text[at] : '\0'; }

// The last six characters are the CRC-32 in base62 of those `over` which it stands.
bool checksum_holds(std::string_view over, std::string_view digits) {
  return base62(crc32(over), 6) == digits;
}

// The word that begins at `at` and has exactly these bytes.
Found word(std::string_view text, std::size_t begin, std::size_t end) {
  if (!begins_word(text, begin) || !ends_word(text, end)) return std::nullopt;
  return Span{begin, end};
}

std::string_view body_of(std::string_view text, const Span& span, std::size_t anchor_size) {
  return slice(text, span).substr(anchor_size);
}

}  // namespace

bool in_set(char c, Set set) noexcept {
  switch (set) {
    case Set::alnum: return is_alnum(c);
    case Set::url_safe: return is_alnum(c) || c == '-' || c == '_';
    case Set::dashed: return is_alnum(c) || c == '-';
    case Set::hex: return is_digit(c) || (c >= 'a' && c <= 'f');
    case Set::any_hex: return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
    case Set::base32: return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
    case Set::base64: return is_alnum(c) || c == '+' || c == '/';
    case Set::digits: return is_digit(c);
    case Set::upper: return is_digit(c) || (c >= 'A' && c <= 'Z');
  }
  return false;
}

std::size_t run_of(std::string_view text, std::size_t at, Set set, std::size_t limit) noexcept {
  std::size_t count = 0;
  while (count < limit && at + count < text.size() && in_set(text[at + count], set)) ++count;
  return count;
}

bool begins_word(std::string_view text, std::size_t at) noexcept {
  return at == 0 || (!is_alnum(text[at - 1]) && text[at - 1] != '_');
}

bool ends_word(std::string_view text, std::size_t at) noexcept {
  return at >= text.size() || (!is_alnum(text[at]) && text[at] != '_');
}

bool looks_random(std::string_view body) noexcept {
  static constexpr std::array<std::string_view, 8> kWords = {
      "example", "placeholder", "changeme", "redacted", "dummy", "xxxxx", "your_", "your-"};
  for (const std::string_view each : kWords) {
    if (contains_ignoring_case(body, each)) return false;
  }
  std::array<std::size_t, 256> counts{};
  std::size_t same = 1;
  std::size_t rising = 1;
  for (std::size_t i = 0; i < body.size(); ++i) {
    ++counts[static_cast<unsigned char>(body[i])];
    if (i == 0) continue;
    same = body[i] == body[i - 1] ? same + 1 : 1;
    rising = body[i] == body[i - 1] + 1 ? rising + 1 : 1;
    // Chance in 64 random hex digits: below 1 in 10,000.
    if (same >= 6 || rising >= 8) return false;
  }
  double bits = 0;
  for (const std::size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(body.size());
    bits -= share * std::log2(share);
  }
  return bits >= 2.8;
}

bool is_placeholder(std::string_view password) noexcept {
  static constexpr std::array<std::string_view, 12> kWords = {
      "password", "passwd", "pass",   "pwd",        "secret",        "changeme",
      "example",  "user",   "my_pwd", "mypassword", "your_password", "yourpassword"};
  if (password.empty() || std::string_view("$<{%*[").find(password[0]) != std::string_view::npos) {
    return true;
  }
  if (std::all_of(password.begin(), password.end(),
                  [&](char c) { return c == password[0] || c == '.'; })) {
    return true;
  }
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view each) { return equal_ignoring_case(password, each); });
}

Found shaped(std::string_view text, std::size_t at, std::size_t anchor_size, Shape shape) {
  const std::size_t begin = at + anchor_size;
  const std::size_t size = run_of(text, begin, shape.set, shape.max + 1);
  if (size < shape.min || size > shape.max) return std::nullopt;
  if (!looks_random(text.substr(begin, size))) return std::nullopt;
  return word(text, at, begin + size);
}

// ghp_ and its kin: 30 characters and their checksum.
// https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/
Found github_token(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const auto found = word(text, at, at + anchor_size + 36);
  if (!found || run_of(text, at + anchor_size, Set::alnum, 36) != 36) return std::nullopt;
  const std::string_view body = body_of(text, *found, anchor_size);
  if (!checksum_holds(body.substr(0, 30), body.substr(30))) return std::nullopt;
  return found;
}

// github_pat_ 22 _ 59.
Found github_pat(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t first = at + anchor_size;
  if (run_of(text, first, Set::alnum, 23) != 22 || at_or_nul(text, first + 22) != '_' ||
      run_of(text, first + 23, Set::alnum, 60) != 59 ||
      !looks_random(text.substr(first + 23, 59))) {
    return std::nullopt;
  }
  return word(text, at, first + 82);
}

// davy_ 12 _ 43 and the checksum of all before it.
Found davy_key(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t id = at + anchor_size;
  if (run_of(text, id, Set::alnum, 13) != 12 || at_or_nul(text, id + 12) != '_' ||
      run_of(text, id + 13, Set::alnum, 50) != 49) {
    return std::nullopt;
  }
  const std::size_t digits = id + 13 + 43;
  if (!checksum_holds(text.substr(at, digits - at), text.substr(digits, 6))) return std::nullopt;
  return word(text, at, digits + 6);
}

// RFC 7515: header.payload.signature, the header a JSON object that names an algorithm.
Found jwt(std::string_view text, std::size_t at, std::size_t) {
  if (at > 0 && (in_set(text[at - 1], Set::url_safe) || text[at - 1] == '.')) return std::nullopt;
  const std::size_t header = run_of(text, at, Set::url_safe, 2048);
  const std::size_t payload_at = at + header + 1;
  if (at_or_nul(text, payload_at - 1) != '.') return std::nullopt;
  const auto decoded = from_base64(text.substr(at, header));
  if (!decoded || decoded->empty() || decoded->front() != '{' || decoded->back() != '}' ||
      decoded->find("\"alg\"") == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t payload = run_of(text, payload_at, Set::url_safe, text.size());
  const std::size_t signature_at = payload_at + payload + 1;
  if (payload < 2 || at_or_nul(text, signature_at - 1) != '.') return std::nullopt;
  const std::size_t signature = run_of(text, signature_at, Set::url_safe, text.size());
  if (signature < 16) return std::nullopt;  // "alg": "none" has none: it opens nothing
  // The payload of the example of jwt.io, {"sub":"1234567890": it stands in countless documents.
  if (text.substr(payload_at).starts_with("eyJzdWIiOiIxMjM0NTY3ODkw")) return std::nullopt;
  return Span{at, signature_at + signature};
}

// PEM (RFC 7468), OpenSSH and OpenPGP private keys, also inside JSON with "\n" for newlines.
Found private_key(std::string_view text, std::size_t at, std::size_t anchor_size) {
  std::size_t end = at + anchor_size;
  end += static_cast<std::size_t>(
      std::find_if(text.begin() + static_cast<std::ptrdiff_t>(end), text.end(),
                   [](char c) { return c != ' ' && !in_set(c, Set::upper); }) -
      (text.begin() + static_cast<std::ptrdiff_t>(end)));
  const std::string_view label = text.substr(at + anchor_size, end - at - anchor_size);
  if (label.size() > 64 || !(label.ends_with("PRIVATE KEY") || label.ends_with("KEY BLOCK")) ||
      label.find("PRIVATE") == std::string_view::npos || !text.substr(end).starts_with("-----")) {
    return std::nullopt;
  }
  const std::size_t body = end + 5;
  const std::size_t close = text.find("-----", body);
  const std::size_t body_end = std::min(close, text.size());
  // One line must be key material, not three dots. Not each: the first lines of an OpenSSH
  // key hold long runs of A.
  std::size_t last_line = 0;
  bool random = false;
  for (std::size_t i = body; i < body_end;) {
    const std::size_t size = run_of(text, i, Set::base64, body_end - i);
    if (size >= 40) {
      random = random || looks_random(text.substr(i, size));
      last_line = i + size;
    }
    i += size + 1;
  }
  if (!random) return std::nullopt;
  if (close == std::string_view::npos) return Span{at, last_line};
  const std::size_t last = text.find("-----", close + 5);
  const bool closed = text.substr(close).starts_with("-----END ") &&
                      last != std::string_view::npos && last - close < 80;
  return Span{at, closed ? last + 5 : body_end};
}

// aws_secret_access_key = "40 characters of base64".
Found aws_secret_key(std::string_view text, std::size_t at, std::size_t anchor_size) {
  std::size_t begin = at + anchor_size;
  bool assigned = false;
  for (std::size_t i = 0; i < 16 && begin < text.size(); ++i, ++begin) {
    const char c = text[begin];
    if (c == '=' || c == ':' || c == '>' || c == ',') {
      assigned = true;
    } else if (!is_space(c) && c != '"' && c != '\'' && c != '\\') {
      break;
    }
  }
  if (!assigned || run_of(text, begin, Set::base64, 41) != 40 ||
      at_or_nul(text, begin + 40) == '=') {
    return std::nullopt;
  }
  if (!looks_random(text.substr(begin, 40)) || !ends_word(text, begin + 40)) return std::nullopt;
  return Span{begin, begin + 40};
}

// sk-… around "T3BlbkFJ", which is "OpenAI" in base64.
Found openai_key(std::string_view text, std::size_t at, std::size_t anchor_size) {
  std::size_t begin = at;
  while (begin > 0 && at - begin < 200 && in_set(text[begin - 1], Set::url_safe)) --begin;
  const std::size_t prefix = text.substr(begin, at - begin).find("sk-");
  if (prefix == std::string_view::npos) return std::nullopt;
  begin += prefix;
  const std::size_t after = run_of(text, at + anchor_size, Set::url_safe, 201);
  if (at - begin < 23 || after < 20 || after > 200) return std::nullopt;
  if (!looks_random(text.substr(at + anchor_size, after))) return std::nullopt;
  return word(text, begin, at + anchor_size + after);
}

Found slack_webhook(std::string_view text, std::size_t at, std::size_t anchor_size) {
  std::size_t end = at + anchor_size;
  for (const char first : {'T', 'B'}) {
    const std::size_t size = run_of(text, end, Set::upper, 14);
    if (at_or_nul(text, end) != first || size < 9 || at_or_nul(text, end + size) != '/') {
      return std::nullopt;
    }
    end += size + 1;
  }
  if (run_of(text, end, Set::alnum, 25) != 24 || !looks_random(text.substr(end, 24))) {
    return std::nullopt;
  }
  return word(text, at, end + 24);
}

Found discord_webhook(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t digits = run_of(text, at + anchor_size, Set::digits, 21);
  const std::size_t begin = at + anchor_size + digits + 1;
  if (digits < 17 || digits > 20 || at_or_nul(text, begin - 1) != '/') return std::nullopt;
  const std::size_t size = run_of(text, begin, Set::url_safe, 81);
  if (size < 60 || size > 80 || !looks_random(text.substr(begin, size))) return std::nullopt;
  return word(text, at, begin + size);
}

// SG. 22 . 43
Found sendgrid_key(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t id = at + anchor_size;
  if (run_of(text, id, Set::url_safe, 23) != 22 || at_or_nul(text, id + 22) != '.' ||
      run_of(text, id + 23, Set::url_safe, 44) != 43 || !looks_random(text.substr(id + 23, 43))) {
    return std::nullopt;
  }
  return word(text, at, id + 66);
}

// scheme://user:password@host; the secret is the password alone.
Found database_url(std::string_view text, std::size_t at, std::size_t anchor_size) {
  static constexpr std::array<std::string_view, 16> kSchemes = {
      "postgres",   "postgresql",  "mysql", "mariadb", "mongodb", "mongodb+srv",
      "redis",      "rediss",      "amqp",  "amqps",   "mssql",   "sqlserver",
      "clickhouse", "cockroachdb", "nats",  "neo4j"};
  std::size_t begin = at;
  while (begin > 0 && at - begin < 33 && (is_alnum(text[begin - 1]) || text[begin - 1] == '+')) {
    --begin;
  }
  const std::string_view scheme = text.substr(begin, at - begin);
  // "postgresql+asyncpg" is SQLAlchemy's spelling.
  const std::string_view dialect = scheme.substr(0, scheme.rfind('+'));
  const bool known = begins_word(text, begin) &&
                     std::any_of(kSchemes.begin(), kSchemes.end(),
                                 [&](auto each) { return each == scheme || each == dialect; });
  if (!known) return std::nullopt;
  const auto part = [&](std::size_t from, std::string_view stop, std::size_t limit) {
    std::size_t end = from;
    while (end < text.size() && end - from <= limit && !is_space(text[end]) && text[end] > ' ' &&
           stop.find(text[end]) == std::string_view::npos) {
      ++end;
    }
    return end;
  };
  const std::size_t user = at + anchor_size;
  const std::size_t colon = part(user, ":@/\"'<>`\\", 128);
  if (at_or_nul(text, colon) != ':') return std::nullopt;
  const std::size_t end = part(colon + 1, "@/\"'<>`\\", 256);
  if (at_or_nul(text, end) != '@' || is_placeholder(text.substr(colon + 1, end - colon - 1))) {
    return std::nullopt;
  }
  return Span{colon + 1, end};
}

// AccountKey= and 64 bytes in base64.
Found azure_storage_key(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t begin = at + anchor_size;
  if (run_of(text, begin, Set::base64, 87) != 86 || text.substr(begin + 86, 2) != "==" ||
      !looks_random(text.substr(begin, 86))) {
    return std::nullopt;
  }
  // The key of the storage emulator, which is the same for everybody.
  if (text.substr(begin).starts_with("Eby8vdM02xNO")) return std::nullopt;
  return Span{begin, begin + 88};
}

// glpat- 20, or the routable form: 27 or more, then .xx.xxxxxxx
Found gitlab_token(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t begin = at + anchor_size;
  const std::size_t size = run_of(text, begin, Set::url_safe, 301);
  if (size < 20 || size > 300 || !looks_random(text.substr(begin, size))) return std::nullopt;
  std::size_t end = begin + size;
  if (at_or_nul(text, end) == '.' && run_of(text, end + 1, Set::alnum, 3) == 2 &&
      at_or_nul(text, end + 3) == '.') {
    end += 4 + run_of(text, end + 4, Set::alnum, 16);
  }
  return word(text, at, end);
}

// 8 to 10 digits, then ":AA" and 33 characters.
Found telegram_bot_token(std::string_view text, std::size_t at, std::size_t anchor_size) {
  std::size_t begin = at;
  while (begin > 0 && at - begin < 11 && is_digit(text[begin - 1])) --begin;
  if (at - begin < 8 || at - begin > 10) return std::nullopt;
  const std::size_t body = at + anchor_size;
  if (run_of(text, body, Set::url_safe, 34) != 33 || !looks_random(text.substr(body, 33))) {
    return std::nullopt;
  }
  return word(text, begin, body + 33);
}

// glsa_ 32 _ 8 hex
Found grafana_token(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t begin = at + anchor_size;
  if (run_of(text, begin, Set::alnum, 33) != 32 || at_or_nul(text, begin + 32) != '_' ||
      run_of(text, begin + 33, Set::any_hex, 9) != 8 || !looks_random(text.substr(begin, 32))) {
    return std::nullopt;
  }
  return word(text, at, begin + 41);
}

// lsv2_pt_ 32 hex _ 10 hex
Found langsmith_key(std::string_view text, std::size_t at, std::size_t anchor_size) {
  const std::size_t begin = at + anchor_size;
  if (run_of(text, begin, Set::hex, 33) != 32 || at_or_nul(text, begin + 32) != '_' ||
      run_of(text, begin + 33, Set::hex, 11) != 10 || !looks_random(text.substr(begin, 32))) {
    return std::nullopt;
  }
  return word(text, at, begin + 43);
}

}  // namespace davy::text::forms
