#include "mechanisms/net/http1/write.h"

#include <algorithm>
#include <charconv>

#include "mechanisms/net/http1/characters.h"

namespace davy::http1 {
namespace {

using namespace characters;

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  out.append(digits.data(), end);
}

}  // namespace

HeadWriter HeadWriter::request(std::string& out, std::string_view method, std::string_view target) {
  HeadWriter writer(out);
  if (method.empty() || !all(method, kToken)) {
    writer.wrong_ = "method";
  } else if (target.empty() || skip_target(target, 0) != target.size()) {
    writer.wrong_ = "request target";
  } else {
    out.append(method).append(1, ' ').append(target).append(" HTTP/1.1\r\n");
  }
  return writer;
}

HeadWriter HeadWriter::response(std::string& out, int status, std::string_view reason) {
  HeadWriter writer(out);
  if (status < 100 || status > 999) {
    writer.wrong_ = "status";
  } else if (skip_value(reason, 0) != reason.size()) {
    writer.wrong_ = "reason";
  } else {
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(status));
    out.append(1, ' ').append(reason.empty() ? standard_reason(status) : reason).append("\r\n");
  }
  return writer;
}

HeadWriter& HeadWriter::field(std::string_view name, std::string_view value) {
  if (!wrong_.empty()) return *this;
  if (name.empty() || skip_token(name, 0) != name.size()) {
    wrong_ = "field name";
  } else if (skip_value(value, 0) != value.size()) {
    wrong_ = "field value";
  } else {
    out_.append(name).append(": ").append(value).append("\r\n");
  }
  return *this;
}

HeadWriter& HeadWriter::content_length(std::uint64_t bytes) {
  if (!wrong_.empty()) return *this;
  out_.append("Content-Length: ");
  append_number(out_, bytes);
  out_.append("\r\n");
  return *this;
}

HeadWriter& HeadWriter::chunked() { return field("Transfer-Encoding", "chunked"); }

Result<void> HeadWriter::finish() {
  if (wrong_.empty()) {
    out_.append("\r\n");
    return {};
  }
  out_.resize(start_);
  std::string message("the ");
  message.append(wrong_).append(" of a message cannot be written: a byte may not stand there");
  return invalid_input(std::move(message), {},
                       "take out control characters and line breaks, encode what is special");
}

Result<void> append_request_head(std::string& out, std::string_view method, std::string_view target,
                                 std::span<const FieldView> fields) {
  HeadWriter writer = HeadWriter::request(out, method, target);
  for (const FieldView field : fields) writer.field(field.name, field.value);
  return writer.finish();
}

Result<void> append_response_head(std::string& out, int status, std::span<const FieldView> fields) {
  HeadWriter writer = HeadWriter::response(out, status);
  for (const FieldView field : fields) writer.field(field.name, field.value);
  return writer.finish();
}

std::string_view standard_reason(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return {};
  }
}

std::string_view chunk_size_line(std::array<char, 18>& space, std::uint64_t size) noexcept {
  char* const end = std::to_chars(space.data(), space.data() + 16, size, 16).ptr;
  std::copy(kChunkEnd.begin(), kChunkEnd.end(), end);
  return {space.data(), static_cast<std::size_t>(end - space.data()) + kChunkEnd.size()};
}

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty()) return;
  std::array<char, 18> space;
  out.append(chunk_size_line(space, data.size())).append(data).append(kChunkEnd);
}

void append_last_chunk(std::string& out) { out.append(kLastChunk); }

}  // namespace davy::http1
