#include "surfaces/gateway/routes.h"

#include <algorithm>

#include "base/strings.h"
#include "mechanisms/net/http1/path.h"

namespace davy::gateway {
namespace {

using dialects::Names;
using dialects::Reading;
using dialects::Route;

constexpr std::string_view kModels = "/models/";
constexpr std::string_view kModel = "{model}";

// Below "/models/", with a name that is no model's.
constexpr Route kNoModel{"*", "/models/{model}/*", {}, 0, Reading::opaque, Names::path};

// Of a model that does not list the path.
constexpr Route kNotListed{"*", "/models/{model}/*", {}, 0, Reading::opaque, Names::path};

bool lists(const Model& model, const dialects::Dialect& dialect, std::string_view path) {
  const auto usual = dialect.usual_paths();
  if (model.paths.empty() && usual.empty()) return true;
  std::string unused;
  const auto is_it = [&](std::string_view pattern) { return fits(pattern, path, unused); };
  return model.paths.empty() ? std::any_of(usual.begin(), usual.end(), is_it)
                             : std::any_of(model.paths.begin(), model.paths.end(), is_it);
}

bool is_pattern(std::string_view path) noexcept {
  return path.find_first_of("{*") != std::string_view::npos;
}

bool serves(std::string_view method, const Route& route) noexcept {
  return route.method == "*" || route.method == method;
}

std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

const Model* of_host(const Snapshot& snapshot, std::string_view host) noexcept {
  for (const Model& model : snapshot.settings.models) {
    for (const std::string& own : model.hosts) {
      if (equal_ignoring_case(own, host)) return &model;
    }
  }
  return nullptr;
}

}  // namespace

bool fits(std::string_view pattern, std::string_view path, std::string& model) {
  for (;;) {
    if (pattern == "*") return true;
    if (pattern == "/*" && (path.empty() || path.front() == '/')) return true;
    if (pattern.empty() || path.empty()) return pattern.empty() && path.empty();
    if (pattern.front() != '/' || path.front() != '/') return false;
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    const std::string_view want = pattern.substr(0, pattern.find('/'));
    const std::string_view have = path.substr(0, path.find('/'));
    if (want == kModel) {
      auto name = http1::decode_segment(have);
      if (!name || name->empty()) return false;
      model = std::move(*name);
    } else if (want == "*") {
      return true;
    } else if (want == "{}" ? have.empty() : want != have) {
      return false;
    }
    pattern.remove_prefix(want.size());
    path.remove_prefix(have.size());
  }
}

Routes::Routes(std::span<const dialects::Dialect* const> dialects)
    : dialects_(dialects.begin(), dialects.end()) {
  for (const dialects::Dialect* dialect : dialects_) {
    document_kinds_ += dialect->operations();
    for (const Route& route : dialect->routes()) {
      auto& list = is_pattern(route.path) ? patterns_ : exact_;
      list.push_back({route.path, route.method, dialect, &route});
    }
  }
}

const dialects::Dialect* Routes::dialect_of(const Model& model) const noexcept {
  for (const dialects::Dialect* dialect : dialects_) {
    if (dialect->name() == model.dialect) return dialect;
  }
  return nullptr;
}

RouteMatch Routes::below_model(const Model& model, std::string_view method, std::string_view path,
                               std::size_t base) const {
  RouteMatch match;
  match.dialect = dialect_of(model);
  match.model = model.name;
  match.base = base;
  if (match.dialect == nullptr) return match;
  bool path_fits = false;
  std::string unused;
  for (const Route& route : match.dialect->model_routes()) {
    if (!fits(route.path, match.below_base(path), unused)) continue;
    path_fits = true;
    if (!serves(method, route)) continue;
    match.listed = lists(model, *match.dialect, match.below_base(path));
    match.route = match.listed ? &route : &kNotListed;
    return match;
  }
  if (!path_fits) match.dialect = nullptr;
  return match;
}

RouteMatch Routes::find(const http1::RequestHead& head, const Snapshot& snapshot) const {
  const std::string_view method = head.method();
  const std::string_view path = head.path();
  if (const Model* const model = of_host(snapshot, without_port(head.host()))) {
    return below_model(*model, method, path, 0);
  }
  RouteMatch match;
  for (const Exact& each : exact_) {
    if (each.path != path) continue;
    match.dialect = each.dialect;
    if (!serves(method, *each.route)) continue;
    match.route = each.route;
    return match;
  }
  if (match.dialect != nullptr) return match;
  if (path.starts_with(kModels)) {
    const std::string_view after = path.substr(kModels.size());
    const std::string_view segment = after.substr(0, after.find('/'));
    const auto name = http1::decode_segment(segment);
    const Model* const model = name ? snapshot.model(*name) : nullptr;
    if (model != nullptr) {
      return below_model(*model, method, path, kModels.size() + segment.size());
    }
    match.dialect = dialects_.front();
    match.route = &kNoModel;
    match.model = name.value_or("");
    return match;
  }
  std::string model;
  for (const Exact& each : patterns_) {
    if (!fits(each.path, path, model)) continue;
    match.dialect = each.dialect;
    if (!serves(method, *each.route)) continue;
    match.route = each.route;
    match.model = std::move(model);
    return match;
  }
  return match;
}

const dialects::Dialect& Routes::fallback(std::string_view path) const noexcept {
  const auto first = [](std::string_view of) { return of.substr(0, of.find('/', 1)); };
  for (const dialects::Dialect* dialect : dialects_) {
    for (const Route& route : dialect->routes()) {
      if (first(route.path) == first(path)) return *dialect;
    }
  }
  return *dialects_.front();
}

std::string Routes::allowed(const RouteMatch& match, std::string_view path) const {
  std::vector<std::string> methods;
  std::string unused;
  const auto add = [&](const Route& route) {
    if (!fits(route.path, match.below_base(path), unused)) return;
    const std::string method(route.method);
    if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
      methods.push_back(method);
    }
  };
  for (const Route& route :
       match.model.empty() ? match.dialect->routes() : match.dialect->model_routes()) {
    add(route);
  }
  return join(methods, ", ");
}

std::size_t Routes::kind_of(const RouteMatch& match) const noexcept {
  std::size_t kind = match.route->operation;
  for (const dialects::Dialect* dialect : dialects_) {
    if (dialect == match.dialect) break;
    kind += dialect->operations();
  }
  return kind;
}

}  // namespace davy::gateway
