#include "surfaces/gateway/limits.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace davy::gateway {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::string_view kPath = "limits";

// What other gateways have here is a model's own.
void said_of_models(ConfigMap& map) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kElsewhere{
      {{"answer_body", "max_answer_bytes: 33554432"},
       {"upstream_timeout", "timeouts: {answer: 600s}"},
       {"stream_idle_timeout", "timeouts: {pause: 300s}"}}};
  for (const auto& [key, instead] : kElsewhere) {
    if (map.node(key) == nullptr) continue;
    map.diagnostics().error("limits." + std::string(key) + " is said of each model",
                            map.key_place(key),
                            "write " + std::string(instead) + " in the entry of the model");
  }
}

class LimitsSection final : public ConfigSection {
 public:
  [[nodiscard]] std::string_view path() const noexcept override { return kPath; }
  [[nodiscard]] std::unique_ptr<const ConfigValue> read(ConfigMap& map) const override {
    auto out = std::make_unique<Limits>();
    const auto time = [&](std::string_view key, milliseconds& value, milliseconds min,
                          milliseconds max) {
      value = map.duration(key, min, max).value_or(value);
    };
    const auto count = [&](std::string_view key, std::size_t& value) {
      value = map.integer(key, 1, 10'000'000).value_or(value);
    };
    // The JSON index counts in 32 bits, so no text may be larger than 1 GiB.
    out->request_body =
        map.bytes("request_body", 1024, std::uint64_t{1} << 30).value_or(out->request_body);
    time("header_timeout", out->header_timeout, 100ms, 10min);
    time("body_timeout", out->body_timeout, 100ms, 1h);
    time("idle_timeout", out->idle_timeout, 100ms, 1h);
    time("write_timeout", out->write_timeout, 100ms, 1h);
    time("total_timeout", out->total_timeout, 100ms, 168h);
    count("connections", out->connections);
    count("connections_per_client", out->connections_per_client);
    said_of_models(map);
    return out;
  }
};

}  // namespace

std::unique_ptr<ConfigSection> limits_section() { return std::make_unique<LimitsSection>(); }

const Limits& limits_of(const Config& config) {
  static const Limits defaults;
  const auto* limits = config.section<Limits>(kPath);
  return limits != nullptr ? *limits : defaults;
}

ConnectionBounds connection_bounds(std::uint64_t descriptors) noexcept {
  // For listeners, files, upstreams that rest, and connections that are told to go.
  const std::uint64_t reserve = std::max<std::uint64_t>(descriptors / 8, 64);
  const std::uint64_t rest = descriptors > reserve ? descriptors - reserve : 0;
  constexpr std::uint64_t kMost = 1'000'000;
  return {.usual = static_cast<std::size_t>(std::clamp<std::uint64_t>(rest / 2, 1, kMost)),
          .most = static_cast<std::size_t>(std::clamp<std::uint64_t>(rest, 1, kMost))};
}

}  // namespace davy::gateway
