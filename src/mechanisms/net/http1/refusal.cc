#include "mechanisms/net/http1/refusal.h"

#include <array>

namespace davy::http1 {
namespace {

// In the order of the enumerators. Statuses: RFC 9110 section 15, RFC 6585 for 431.
constexpr std::array kInfos = {
    RefusalInfo{200, "none", "Nothing is wrong."},
    RefusalInfo{400, "leading_line_break",
                "A line break stands before the request line. Start with the method, and send "
                "exactly as many body bytes as the request before this one announced."},
    RefusalInfo{400, "method_invalid",
                "The request does not begin with a method of at most 32 token characters and a "
                "space. If this is TLS or another protocol, use the port that speaks it."},
    RefusalInfo{501, "method_unsupported",
                "CONNECT, TRACE and TRACK are not supported here. Send the request itself."},
    RefusalInfo{400, "target_invalid",
                "The request target holds a byte that may not stand there. Percent-encode spaces, "
                "control characters, non-ASCII bytes and '#'."},
    RefusalInfo{400, "target_form",
                "The request target is neither a path that begins with '/', nor an http or https "
                "URL, nor '*' with OPTIONS. Send the path."},
    RefusalInfo{400, "target_authority",
                "The URL in the request line has no valid host and port, or names a user. Send "
                "the path alone and put the host in the Host field."},
    RefusalInfo{414, "target_too_long",
                "The request target is longer than this server takes. Put data in the body."},
    RefusalInfo{400, "version_invalid",
                "The version is not of the form HTTP/1.1, or something stands after it. End the "
                "first line with the version (an answer: with the status), CR and LF."},
    RefusalInfo{505, "version_unsupported", "Only HTTP/1.1 and HTTP/1.0 are spoken here."},
    RefusalInfo{400, "first_line_incomplete",
                "The request line ends before the version. Send method, target and version, "
                "with one space between them."},
    RefusalInfo{502, "status_line_invalid",
                "The answer's first line is not a version, a space, a status of three digits from "
                "100 on and a reason."},
    RefusalInfo{400, "bare_lf", "A line ends with LF alone. End every line with CR and LF."},
    RefusalInfo{400, "bare_cr", "A CR stands without LF. End every line with CR and LF."},
    RefusalInfo{400, "folded_line",
                "A line begins with a space or tab, which would continue the line before it. Put "
                "each field on one line."},
    RefusalInfo{400, "space_before_colon",
                "A space or tab stands between a field's name and its colon. Take it out."},
    RefusalInfo{400, "field_name_empty", "A field has no name. Put one before the colon."},
    RefusalInfo{400, "field_name_invalid",
                "A field's name holds a byte that is no token character. Use letters, digits and "
                "'-'."},
    RefusalInfo{400, "colon_missing",
                "A line of the head has no colon. Write it as name, colon, value."},
    RefusalInfo{400, "field_value_invalid",
                "A field's value holds a control character. Take it out or encode it."},
    RefusalInfo{431, "head_too_large",
                "The head is larger than this server takes. Send fewer or shorter fields."},
    RefusalInfo{431, "too_many_fields",
                "The head has more fields than this server takes. Send fewer."},
    RefusalInfo{400, "host_missing", "The Host field is missing. Send exactly one."},
    RefusalInfo{400, "host_duplicate", "There is more than one Host field. Send exactly one."},
    RefusalInfo{400, "host_invalid",
                "The Host field is not a host name or address with an optional port from 1 to "
                "65535. Send only that."},
    RefusalInfo{400, "host_differs",
                "The URL in the request line and the Host field name different hosts. Make them "
                "the same, or send the path alone."},
    RefusalInfo{400, "content_length_invalid",
                "Content-Length is not a plain decimal number of at most 18 digits. Send the "
                "number of body bytes."},
    RefusalInfo{400, "content_length_duplicate",
                "There is more than one Content-Length field. Send exactly one."},
    RefusalInfo{501, "transfer_encoding_unsupported",
                "Transfer-Encoding is not exactly 'chunked', once. Send that or a "
                "Content-Length."},
    RefusalInfo{400, "transfer_encoding_old_version",
                "Transfer-Encoding does not exist in HTTP/1.0. Send a Content-Length."},
    RefusalInfo{400, "length_and_encoding",
                "Both Content-Length and Transfer-Encoding are there, which hides where the body "
                "ends. Send one of them."},
    RefusalInfo{400, "connection_invalid",
                "The Connection field is not a list of tokens, or is longer than 16 of them or 512 "
                "bytes. Send 'close' or 'keep-alive'."},
    RefusalInfo{417, "expectation_unknown",
                "The Expect field asks for something other than '100-continue'. Leave it out."},
    RefusalInfo{400, "chunk_size_invalid",
                "A chunk does not begin with its size in hexadecimal digits, followed by CR, LF "
                "or ';'."},
    RefusalInfo{400, "chunk_size_overflow",
                "A chunk size has more than 15 digits. Send smaller chunks without leading "
                "zeros."},
    RefusalInfo{400, "chunk_extension_invalid",
                "A chunk extension holds something other than token characters, ';' and '='. Leave "
                "chunk extensions out."},
    RefusalInfo{400, "chunk_extension_too_long",
                "The chunk extensions are longer than this server takes. Leave them out."},
    RefusalInfo{400, "chunk_end_missing",
                "A chunk's data is not followed by CR and LF. Make the size the number of data "
                "bytes."},
    RefusalInfo{431, "trailer_too_large",
                "The trailer section is larger than this server takes. Leave trailers out."},
    RefusalInfo{413, "body_too_large", "The body is larger than allowed here. Send less."},
    RefusalInfo{400, "body_truncated",
                "The connection ended before the body was complete. Send all that was announced."},
};
static_assert(kInfos.size() == static_cast<std::size_t>(Refusal::last_) + 1);

}  // namespace

const RefusalInfo& info(Refusal refusal) noexcept {
  return kInfos[static_cast<std::size_t>(refusal)];
}

std::optional<Refusal> refusal_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kInfos.size(); ++i) {
    if (kInfos[i].name == name) return static_cast<Refusal>(i);
  }
  return std::nullopt;
}

}  // namespace davy::http1
