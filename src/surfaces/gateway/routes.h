// Which dialect serves a request, on which route, and whether it names the model outside
// of its body.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/snapshot.h"
#include "mechanisms/dialects/dialect.h"
#include "mechanisms/net/http1/head.h"

namespace davy::gateway {

// Of a query, on routes whose `names` says so.
inline constexpr std::string_view kModelParameter = "model";

struct RouteMatch {
  const dialects::Dialect* dialect = nullptr;  // null: no route
  const dialects::Route* route = nullptr;      // null with a dialect: the path, not the method
  std::string model;     // as the path or the host names it; empty: the body or query does
  bool listed = true;    // false: the model does not serve the path, which the key's owner may know
  std::size_t base = 0;  // bytes of the path that are the model's own base, "/models/NAME"

  // What of the request's path lies below that base. The path is the head's, which may move
  // while a body is read.
  [[nodiscard]] std::string_view below_base(std::string_view path) const noexcept {
    return path.substr(std::min(base, path.size()));
  }
};

// Immutable, thread-safe.
class Routes {
 public:
  explicit Routes(std::span<const dialects::Dialect* const> dialects);

  // In this order: the host of a model, exact paths, "/models/NAME" of a configured model,
  // paths with a pattern. A path below "/models/" that names no model matches a route of
  // its own, so that callers learn only after their key was checked that there is none.
  [[nodiscard]] RouteMatch find(const http1::RequestHead& head, const Snapshot& snapshot) const;
  // The methods that the request's `path` serves for the dialect of the match, "GET, POST".
  [[nodiscard]] std::string allowed(const RouteMatch& match, std::string_view path) const;
  // Of errors on a path that no dialect serves: the first dialect whose paths begin as it does
  // ("/anthropic"), else the first.
  [[nodiscard]] const dialects::Dialect& fallback(std::string_view path) const noexcept;
  // A number for each pair of dialect and operation, below document_kinds().
  [[nodiscard]] std::size_t document_kinds() const noexcept { return document_kinds_; }
  [[nodiscard]] std::size_t kind_of(const RouteMatch& match) const noexcept;

 private:
  struct Exact {
    std::string_view path;
    std::string_view method;
    const dialects::Dialect* dialect;
    const dialects::Route* route;
  };
  [[nodiscard]] RouteMatch below_model(const Model& model, std::string_view method,
                                       std::string_view path, std::size_t base) const;
  [[nodiscard]] const dialects::Dialect* dialect_of(const Model& model) const noexcept;

  std::vector<const dialects::Dialect*> dialects_;
  std::vector<Exact> exact_;
  std::vector<Exact> patterns_;
  std::size_t document_kinds_ = 0;
};

// Whether `path` fits the pattern of a route (dialect.h); `model` becomes the segment that
// names it, decoded. For tests too.
[[nodiscard]] bool fits(std::string_view pattern, std::string_view path, std::string& model);

}  // namespace davy::gateway
