// The codec's share of one exchange: the head of a 1 KB chat POST as an SDK sends it,
// its body, an answer's head, and the head for the upstream.
#include <benchmark/benchmark.h>

#include <string>

#include "mechanisms/net/http1/body.h"
#include "mechanisms/net/http1/parser.h"
#include "mechanisms/net/http1/write.h"

namespace davy::http1 {
namespace {

const std::string& typical_head() {
  static const std::string head =
      "POST /v1/chat/completions HTTP/1.1\r\n"
      "Host: gateway.example.com:8080\r\n"
      "Accept-Encoding: gzip, deflate, br\r\n"
      "Connection: keep-alive\r\n"
      "Accept: application/json\r\n"
      "Content-Type: application/json\r\n"
      "User-Agent: OpenAI/Python 1.51.0\r\n"
      "X-Stainless-Lang: python\r\n"
      "X-Stainless-Package-Version: 1.51.0\r\n"
      "X-Stainless-OS: Linux\r\n"
      "X-Stainless-Arch: x64\r\n"
      "X-Stainless-Runtime: CPython\r\n"
      "X-Stainless-Runtime-Version: 3.11.2\r\n"
      "Authorization: Bearer dv_0123456789abcdefghijABCDEFGHIJ0123456789abcdef\r\n"
      "X-Stainless-Async: false\r\n"
      "X-Stainless-Retry-Count: 0\r\n"
      "Content-Length: 1024\r\n\r\n";
  return head;
}

void parse_head_of_post(benchmark::State& state) {
  const std::string buffer = typical_head() + std::string(1024, 'x');
  RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(buffer));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(typical_head().size()));
}
BENCHMARK(parse_head_of_post);

void parse_head_in_four_pieces(benchmark::State& state) {
  const std::string& head = typical_head();
  RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    for (std::size_t quarter = 1; quarter <= 4; ++quarter) {
      benchmark::DoNotOptimize(parser.parse({head.data(), head.size() * quarter / 4}));
    }
  }
}
BENCHMARK(parse_head_in_four_pieces);

void write_head_for_upstream(benchmark::State& state) {
  RequestParser parser;
  if (parser.parse(typical_head()) != Progress::complete) state.SkipWithError("not parsed");
  const RequestHead& head = parser.head();
  std::string out;
  for (auto _ : state) {
    out.clear();
    HeadWriter writer = HeadWriter::request(out, head.method(), head.target());
    writer.field("Host", "upstream.example.com").content_length(1024);
    head.fields().each_end_to_end([&](FieldView f) { writer.field(f.name, f.value); });
    benchmark::DoNotOptimize(writer.finish().ok());
  }
}
BENCHMARK(write_head_for_upstream);

void parse_head_of_answer(benchmark::State& state) {
  const std::string buffer =
      "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ndate: Tue, 24 Nov 2026 05:44:31 GMT\r\n"
      "content-type: application/json\r\ncontent-length: 512\r\nx-request-id: 0123456789\r\n\r\n";
  ResponseParser parser;
  for (auto _ : state) {
    parser.reset();
    benchmark::DoNotOptimize(parser.parse(buffer));
  }
}
BENCHMARK(parse_head_of_answer);

void decode_stream_of_small_chunks(benchmark::State& state) {
  std::string input;
  for (int i = 0; i < 100; ++i) append_chunk(input, std::string(200, 'e'));
  append_last_chunk(input);
  const Framing framing{.body = BodyKind::chunked};
  for (auto _ : state) {
    BodyDecoder decoder(framing, {});
    std::string_view rest = input;
    for (;;) {
      const BodyStep step = decoder.decode(rest);
      rest.remove_prefix(step.consumed);
      benchmark::DoNotOptimize(step.data.data());
      if (step.state != BodyState::data) break;
    }
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(decode_stream_of_small_chunks);

}  // namespace
}  // namespace davy::http1
