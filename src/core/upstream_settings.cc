// Reads the upstreams of a model: `upstream`, `upstreams` and what is said of them.
#include <algorithm>

#include "base/files.h"
#include "base/strings.h"
#include "core/settings_read.h"

namespace davy {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMaxWeight = 1000;
constexpr std::size_t kMaxUpstreamModel = 256;
// Words of Azure: a deployment has at most 64 letters, versions look like 2024-10-21-preview.
constexpr std::size_t kMaxAzureWord = 64;
constexpr milliseconds kSecond{1'000};
constexpr milliseconds kHour{3'600'000};

bool is_plain_word(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMaxAzureWord && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

bool is_printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c != 0x7F; });
}

// What may stand in the path of a request line, with a query.
bool is_health_path(std::string_view text) noexcept {
  return !text.empty() && text.front() == '/' && text.size() <= 1024 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; }) &&
         text.find('#') == std::string_view::npos;
}

std::string beside(const ConfigMap& map, const std::string& path) {
  return resolve(parent_folder(map.place().file), path);
}

void read_credential(ConfigMap& map, CredentialRef& credential) {
  const auto text = map.text("credential");
  if (!text) return;
  auto reference = parse_credential_ref(*text);
  if (!reference) {
    map.diagnostics().error(map.path() + ".credential: " + reference.error().message,
                            map.key_place("credential"), reference.error().hint);
    return;
  }
  credential = *std::move(reference);
  using Kind = CredentialRef::Kind;
  if (credential.kind == Kind::file || credential.kind == Kind::kubernetes) {
    credential.name = beside(map, credential.name);
  }
}

void read_word(ConfigMap& map, std::string_view key, std::string& word) {
  const auto text = map.text(key);
  if (!text) return;
  if (is_plain_word(*text)) {
    word = *text;
    return;
  }
  map.diagnostics().error(map.path() + "." + std::string(key) + ": not a usable name",
                          map.place(key), "up to 64 letters, digits and . _ -");
}

void read_azure(ConfigMap& map, std::optional<AzureRoute>& route) {
  if (!map.has("azure")) return;
  ConfigMap azure = map.map("azure");
  if (!route) route.emplace();
  read_word(azure, "deployment", route->deployment);
  read_word(azure, "api_version", route->api_version);
  if (const auto kind = azure.choice("auth", {"key", "token"})) route->token = *kind == 1;
  azure.finish();
}

void read_file(ConfigMap& map, std::string_view key, std::string& path) {
  const auto text = map.text(key);
  if (!text) return;
  if (text->empty()) {
    map.diagnostics().error(map.path() + "." + std::string(key) + ": the path is empty",
                            map.place(key));
    return;
  }
  path = beside(map, *text);
}

void read_tls(ConfigMap& map, UpstreamTls& out) {
  if (!map.has("tls")) return;
  ConfigMap tls = map.map("tls");
  read_file(tls, "ca", out.ca);
  read_file(tls, "certificate", out.certificate);
  read_file(tls, "key", out.key);
  if (tls.has("certificate") != tls.has("key")) {
    tls.diagnostics().error(tls.path() + ": \"certificate\" and \"key\" go together", tls.place());
  }
  if (const auto name = tls.text("server_name")) {
    const auto url = parse_upstream_url("https://" + *name);
    if (url && url->base_path.empty() && lower(*name) == url->host) {
      out.server_name = url->host;
    } else {
      tls.diagnostics().error(tls.path() + ".server_name: not a host name",
                              tls.place("server_name"), "e.g. models.example.com");
    }
  }
  if (const auto verify = tls.boolean("verify")) {
    out.verify = *verify;
    if (!*verify) {
      tls.diagnostics().warning(
          tls.path() +
              ".verify: whoever is on the way can read prompts and the credential, and "
              "answer in the upstream's place",
          tls.place("verify"), "name the authority that signed its certificate: tls: {ca: FILE}");
    }
  }
  tls.finish();
}

// The bodies of these dialects go on with whatever they call a model.
bool rewrites_model(std::string_view dialect) noexcept {
  return dialect != "kserve" && dialect != "mcp" && dialect != "predict";
}

void read_model_name(ConfigMap& map, std::string_view key, std::string_view dialect,
                     std::string& name) {
  const auto text = map.text(key);
  if (!text) return;
  if (!rewrites_model(dialect)) {
    map.diagnostics().error(map.path() + "." + std::string(key) + ": requests of the " +
                                std::string(dialect) +
                                " dialect name no model that could be replaced",
                            map.key_place(key), "leave it out: the body goes on as it came");
    return;
  }
  if (text->empty() || text->size() > kMaxUpstreamModel || !is_printable(*text)) {
    map.diagnostics().error(map.path() + "." + std::string(key) + ": not a usable name",
                            map.place(key), "1 to 256 bytes without control characters");
    return;
  }
  name = *text;
}

// What a model may say for all its upstreams, and each of them for itself.
void read_options(ConfigMap& map, std::string_view model_key, std::string_view dialect,
                  Upstream& upstream) {
  read_model_name(map, model_key, dialect, upstream.model);
  read_credential(map, upstream.credential);
  read_azure(map, upstream.azure);
  read_tls(map, upstream.tls);
}

bool read_url(ConfigMap& map, std::string_view key, const std::string& text, const Place& place,
              Upstream& upstream) {
  const std::string where = map.path() + "." + std::string(key) + ": ";
  auto url = parse_upstream_url(text);
  if (!url) {
    map.diagnostics().error(where + url.error().message, place, url.error().hint);
    return false;
  }
  if (is_bedrock_host(url->host)) {
    map.diagnostics().error(
        where + "Amazon Bedrock is not built yet", place,
        "its requests are signed (SigV4) and its streams framed in a way of "
        "their own; put a server that speaks the OpenAI dialect in front of it");
    return false;
  }
  upstream.url = *std::move(url);
  upstream.place = place;
  return true;
}

// What only the whole entry can tell.
void check_upstream(ConfigMap& map, const Model& model, const Upstream& upstream) {
  Diagnostics& diagnostics = map.diagnostics();
  const UpstreamUrl& url = upstream.url;
  if (upstream.azure) {
    if (!model.dialect.empty() && model.dialect != "openai") {
      diagnostics.error(map.path() + ".azure: only the openai dialect has Azure paths",
                        map.place("azure"));
    }
    for (const auto& [key, word] : {std::pair{"deployment", &upstream.azure->deployment},
                                    std::pair{"api_version", &upstream.azure->api_version}}) {
      if (!word->empty()) continue;
      diagnostics.error(map.path() + ".azure: \"" + key + "\" is missing", map.place("azure"),
                        "e.g. azure: {deployment: gpt-4o, api_version: \"2024-10-21\"}");
    }
  } else if (url.host.ends_with(".openai.azure.com") && !url.base_path.starts_with("/openai/v1")) {
    diagnostics.warning(map.path() + ": this host is Azure OpenAI's, whose paths name a deployment",
                        upstream.place,
                        "write azure: {deployment: NAME, api_version: VERSION}, or end the URL "
                        "with /openai/v1");
  }
  if (!url.tls && !url.loopback() && upstream.credential.kind != CredentialRef::Kind::none) {
    diagnostics.warning(map.path() + ": the credential crosses the network without TLS",
                        upstream.place, "write https:// where the upstream speaks it");
  }
}

void read_entries(ConfigMap& map, const Upstream& defaults, Model& model) {
  const ConfigNode* list = map.node("upstreams");
  if (list == nullptr) return;
  if (list->kind != ConfigNode::Kind::list || list->items.empty()) {
    map.diagnostics().error(map.path() + ".upstreams: expected a list of URLs or maps", list->place,
                            "e.g. upstreams: [\"http://a:9001/v1\", \"http://b:9001/v1\"]");
    return;
  }
  if (list->items.size() > Model::kMaxUpstreams) {
    map.diagnostics().error(map.path() + ".upstreams: more than 32", list->place,
                            "put a load balancer in front of them");
    return;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const ConfigNode& item = list->items[i];
    const std::string path = map.path() + ".upstreams[" + std::to_string(i) + "]";
    Upstream upstream = defaults;
    if (item.kind == ConfigNode::Kind::scalar) {
      const std::string key = "upstreams[" + std::to_string(i) + "]";
      if (!read_url(map, key, item.scalar, item.place, upstream)) continue;
      check_upstream(map, model, upstream);
    } else {
      ConfigMap entry(&item, path, map.diagnostics());
      const std::string text = entry.required_text("url");
      const bool good = !text.empty() && read_url(entry, "url", text, entry.place("url"), upstream);
      read_options(entry, "model", model.dialect, upstream);
      if (const auto weight = entry.integer("weight", 0, kMaxWeight)) {
        upstream.weight = static_cast<std::uint32_t>(*weight);
        model.shares = true;
      }
      if (good && entry.has("tls") && !upstream.url.tls) {
        entry.diagnostics().error(entry.path() + ".tls: this upstream is not https://",
                                  entry.key_place("tls"));
      }
      if (good) check_upstream(entry, model, upstream);
      entry.finish();
      if (!good) continue;
    }
    upstream.position = model.upstreams.size();
    model.upstreams.push_back(std::move(upstream));
  }
  const bool none = std::all_of(model.upstreams.begin(), model.upstreams.end(),
                                [](const Upstream& upstream) { return upstream.weight == 0; });
  if (model.shares && !model.upstreams.empty() && none) {
    map.diagnostics().error(map.path() + ".upstreams: every weight is 0", list->place,
                            "an upstream with weight 0 gets no request");
  }
}

void read_health(ConfigMap& map, Model& model) {
  if (!map.has("health")) return;
  ConfigMap health = map.map("health");
  HealthCheck check;
  check.path = health.required_text("path");
  if (!check.path.empty() && !is_health_path(check.path)) {
    health.diagnostics().error(health.path() + ".path: not a path", health.place("path"),
                               "e.g. /healthz: it begins with / and has no spaces");
  }
  check.every = health.duration("every", kSecond, kHour).value_or(check.every);
  for (const auto& [text, place] : health.texts("status")) {
    const auto number = to_number(text);
    if (number && *number >= 200 && *number <= 599) {
      check.status.push_back(static_cast<int>(*number));
    } else {
      health.diagnostics().error(health.path() + ".status: not a status from 200 to 599", place);
    }
  }
  health.finish();
  model.health = std::move(check);
}

void read_times(ConfigMap& map, Model& model) {
  ConfigMap times = map.map("timeouts");
  UpstreamTimes& out = model.times;
  out.connect = times.duration("connect", milliseconds(100), 60 * kSecond).value_or(out.connect);
  out.answer = times.duration("answer", milliseconds(100), kHour).value_or(out.answer);
  out.pause = times.duration("pause", milliseconds(100), kHour).value_or(out.pause);
  times.finish();
}

void read_fail_over(ConfigMap& map, Model& model) {
  if (!map.has("fail_over_on")) return;
  model.fail_over.connect = false;
  model.fail_over.status.clear();
  for (const auto& [text, place] : map.texts("fail_over_on")) {
    const auto number = to_number(text);
    if (text == "connect") {
      model.fail_over.connect = true;
    } else if (number && (*number == 429 || (*number >= 500 && *number <= 599))) {
      model.fail_over.status.push_back(static_cast<int>(*number));
    } else if (text != "never") {
      map.diagnostics().error(map.path() +
                                  ".fail_over_on: expected connect, 429, a status from "
                                  "500 to 599, or never",
                              place, "default: [connect, 429, 503, 529]");
    }
  }
}

}  // namespace

void read_upstreams(ConfigMap& map, Model& model) {
  if (map.has("upstream") == map.has("upstreams")) {
    map.diagnostics().error(map.path() + ": write either \"upstream\" or \"upstreams\"",
                            map.place(), "e.g. upstream: \"http://127.0.0.1:9001/v1\"");
  }
  Upstream defaults;
  read_options(map, "upstream_model", model.dialect, defaults);
  if (const auto text = map.text("upstream")) {
    Upstream only = defaults;
    if (read_url(map, "upstream", *text, map.place("upstream"), only)) {
      check_upstream(map, model, only);
      model.upstreams.push_back(std::move(only));
    }
  }
  read_entries(map, defaults, model);
  const bool any_tls = std::any_of(model.upstreams.begin(), model.upstreams.end(),
                                   [](const Upstream& upstream) { return upstream.url.tls; });
  if (map.has("tls") && !any_tls && !model.upstreams.empty()) {
    map.diagnostics().error(map.path() + ".tls: no upstream of this model is https://",
                            map.key_place("tls"));
  }
  read_fail_over(map, model);
  read_health(map, model);
  read_times(map, model);
}

}  // namespace davy
