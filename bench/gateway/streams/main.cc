// davy_bench_streams: both ends of the stream benchmark; see README.md one folder up.
//
//   davy_bench_streams upstream PORT PIECES EVERY_US
//   davy_bench_streams client PORT STREAMS PIECES SKIP SECONDS      the key in KEY
//
// The client prints one JSON line: counts, and delays in microseconds. It ends with 1 when a
// piece was lost.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "client.h"
#include "upstream.h"
#include "wire.h"

namespace {

long number(const char* text, long low, long high) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < low || value > high) {
    std::fprintf(stderr, "streams: %s is not a number from %ld to %ld\n", text, low, high);
    std::exit(2);
  }
  return value;
}

double at_share(const std::vector<std::int64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto place = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[place]) / 1e3;
}

int report(bench::ClientResult result) {
  std::sort(result.delays_ns.begin(), result.delays_ns.end());
  if (!result.complaint.empty()) std::fprintf(stderr, "streams: %s\n", result.complaint.c_str());
  std::printf(
      "{\"pieces\":%llu,\"lost\":%llu,\"broken\":%llu,\"measured\":%zu,\"p50_us\":%.1f,"
      "\"p99_us\":%.1f,\"max_us\":%.1f}\n",
      static_cast<unsigned long long>(result.pieces), static_cast<unsigned long long>(result.lost),
      static_cast<unsigned long long>(result.broken), result.delays_ns.size(),
      at_share(result.delays_ns, 0.5), at_share(result.delays_ns, 0.99),
      at_share(result.delays_ns, 1));
  return result.lost == 0 && result.broken == 0 ? 0 : 1;
}

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  allow_many_files();
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "upstream" && argc == 5) {
    bench::serve({static_cast<std::uint16_t>(number(argv[2], 1, 65535)),
                  static_cast<std::uint32_t>(number(argv[3], 1, 1'000'000)),
                  number(argv[4], 100, 60'000'000) * 1000});
  }
  if (mode == "client" && argc == 7) {
    const char* key = std::getenv("KEY");
    bench::ClientOptions options;
    options.port = static_cast<std::uint16_t>(number(argv[2], 1, 65535));
    options.key = key == nullptr ? "" : key;
    options.streams = static_cast<std::uint32_t>(number(argv[3], 1, 100'000));
    options.pieces = static_cast<std::uint32_t>(number(argv[4], 1, 1'000'000));
    options.skip = static_cast<std::uint32_t>(number(argv[5], 0, 1'000'000));
    options.limit_ns = number(argv[6], 1, 3600) * 1'000'000'000;
    return report(bench::read_streams(options));
  }
  std::fputs("streams: see the head of bench/gateway/streams/main.cc for its arguments\n", stderr);
  return 2;
}
