// Reads `models:`, but for the upstreams, which core/upstream_settings.cc reads.
#include <algorithm>

#include "base/strings.h"
#include "core/settings_read.h"

namespace davy {
namespace {

constexpr double kMaxDollars = 1e9;
constexpr std::uint64_t kMaxTokens = 1'000'000'000'000;
constexpr std::uint64_t kMinAnswer = 1024;
constexpr std::uint64_t kMaxAnswer = std::uint64_t{1} << 30;

void read_price(ConfigMap& map, Model& model) {
  if (!map.has("price")) return;
  ConfigMap price = map.map("price");
  model.price = Price{price.number("input_per_million", 0, kMaxDollars).value_or(0),
                      price.number("output_per_million", 0, kMaxDollars).value_or(0)};
  price.finish();
  not_enforced(map, "price");
}

void read_dialect(ConfigMap& map, Model& model) {
  // As src/app/builtins.cc lists them.
  const std::vector<std::string> dialects{"openai", "anthropic", "kserve", "mcp", "predict"};
  if (map.text("dialect") == "bedrock") {
    map.diagnostics().error(
        map.path() + ".dialect: bedrock is not built yet", map.place("dialect"),
        "its requests are signed (SigV4) and its streams framed in a way of "
        "their own; put a server that speaks the OpenAI dialect in front of it");
    return;
  }
  if (const auto dialect = map.choice("dialect", dialects)) {
    model.dialect = dialects[*dialect];
  } else if (!map.has("dialect")) {
    map.diagnostics().error(map.path() + ": \"dialect\" is missing", map.place(),
                            "one of " + join(dialects, ", "));
  }
}

void read_hosts(ConfigMap& map, Model& model) {
  for (const auto& [text, place] : map.texts("hosts")) {
    const bool fine = !text.empty() && text.size() <= 253 &&  // RFC 1035 2.3.4
                      std::all_of(text.begin(), text.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
                      });
    if (!fine) {
      map.diagnostics().error(map.path() + ".hosts: not the name of a host", place,
                              "write a name without scheme and port, e.g. fraud.example.com");
      continue;
    }
    model.hosts.push_back(lower(text));
  }
}

// A path, or all below one: "/generate", "/api/*". "{}" stands for any one segment.
bool is_path_pattern(std::string_view path) {
  if (!path.starts_with('/')) return path.empty();
  for (const std::string_view segment : split(path.substr(1), '/')) {
    const bool last = segment.data() + segment.size() == path.data() + path.size();
    if (segment == "{}" || (last && segment == "*")) continue;
    if (segment.empty() && !last) return false;
    const bool fine = std::all_of(segment.begin(), segment.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("-._~:@!$&'()+,=").find(c) != std::string_view::npos;
    });
    if (!fine || segment == "." || segment == "..") return false;
  }
  return true;
}

void read_paths(ConfigMap& map, Model& model) {
  if (map.node("paths") == nullptr) return;
  if (model.dialect != "predict" && model.dialect != "kserve" && !model.dialect.empty()) {
    map.diagnostics().error(
        map.path() + ".paths: only predict and kserve models have paths of their own",
        map.key_place("paths"), "leave it out: the dialect knows its paths");
    return;
  }
  for (auto& [text, place] : map.texts("paths")) {
    if (is_path_pattern(text)) {
      model.paths.push_back(std::move(text));
      continue;
    }
    map.diagnostics().error(map.path() + ".paths: not a path", place,
                            "e.g. /generate, /v1/{}/score for any one segment there, or /api/* for "
                            "all below /api");
  }
  if (!model.paths.empty() || map.node("paths")->kind != ConfigNode::Kind::list) return;
  map.diagnostics().error(map.path() + ".paths: names no path", map.place("paths"),
                          "leave it out for those that the dialect needs");
}

// Anthropic's SDKs write a base URL without /v1, and so do we.
void check_base(ConfigMap& map, const Model& model) {
  if (model.dialect != "anthropic") return;
  for (const Upstream& upstream : model.upstreams) {
    if (!upstream.url.base_path.ends_with("/v1")) continue;
    map.diagnostics().warning(
        map.path() + ": the upstream ends in /v1, which requests of this dialect bring themselves",
        upstream.place, "leave it out, as in https://api.anthropic.com");
  }
}

}  // namespace

Model read_model(ConfigMap& map) {
  Model model;
  model.place = map.place();
  model.name = read_name(map, "name", ":/@");
  read_dialect(map, model);
  read_hosts(map, model);
  read_paths(map, model);
  read_upstreams(map, model);
  check_base(map, model);
  model.max_answer_bytes = map.integer("max_answer_bytes", kMinAnswer, kMaxAnswer);
  read_price(map, model);
  model.max_output_tokens = map.integer("max_output_tokens", 1, kMaxTokens);
  not_enforced(map, "max_output_tokens");
  if (const auto choice = map.choice("unexamined", {"deny", "allow"})) {
    model.unexamined = *choice == 0 ? Unexamined::deny : Unexamined::allow;
  }
  map.finish();
  return model;
}

}  // namespace davy
