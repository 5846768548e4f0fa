// Models: routes to upstreams.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/upstream.h"

namespace davy {

struct Price {
  double input_per_million = 0;  // US dollars
  double output_per_million = 0;
};

// What to do with bytes that no enforcing content rule could examine.
enum class Unexamined : std::uint8_t { deny, allow };

// Asks each upstream from time to time whether it is well. `GET path` must give one of
// `status`; an upstream that does not is left alone until it does again.
struct HealthCheck {
  std::string path;  // "/healthz", on the upstream's host, not below its base path
  std::chrono::milliseconds every{10'000};
  std::vector<int> status;  // empty = 200 to 299
};

struct UpstreamTimes {
  std::chrono::milliseconds connect{5'000};  // name, TCP and TLS together
  // Until a whole answer, or the head of a stream, is there; the openai package waits as long.
  std::chrono::milliseconds answer{600'000};
  std::chrono::milliseconds pause{300'000};  // between two pieces of a stream
};

// When the next upstream is asked in place of one that failed. `connect` covers everything
// before the request was sent; a status says that it was refused, not begun.
struct FailOver {
  bool connect = true;
  // 429 too many requests, 503 unavailable, 529 overloaded (Anthropic): nothing was done, so
  // nothing is paid twice.
  std::vector<int> status{429, 503, 529};
};

struct Model {
  std::string name;                // what clients write in `model`
  std::string dialect;             // "openai", "anthropic", "mcp", …
  std::vector<std::string> hosts;  // requests to these go to this model; lower case
  // Of paths below the model's base: patterns as in Route::path of a dialect. Empty: those that
  // the dialect says.
  std::vector<std::string> paths;
  std::vector<Upstream> upstreams;  // at least one, at most kMaxUpstreams
  // Requests are shared by weight; else the first takes all, and the others are for when
  // it fails, in their order.
  bool shares = false;
  FailOver fail_over;
  std::optional<HealthCheck> health;
  UpstreamTimes times;
  std::optional<std::uint64_t> max_answer_bytes;  // of an answer's body; else the gateway's own
  std::optional<Price> price;
  std::optional<std::uint64_t> max_output_tokens;
  Unexamined unexamined = Unexamined::deny;
  Place place;

  static constexpr std::size_t kMaxUpstreams = 32;
};

}  // namespace davy
