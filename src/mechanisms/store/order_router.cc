#include "mechanisms/store/order_router.h"

#include <fmt/format.h>

#include <utility>

#include "base/strings.h"

namespace davy::store {

OrderRouter::OrderRouter(StateStore& store, const Clock& clock, Handlers handlers,
                         std::function<void(std::uint64_t)> on_order)
    : store_(store), clock_(clock), handlers_(std::move(handlers)), on_order_(std::move(on_order)) {
  for (const auto& handler : handlers_) {
    for (const std::string_view verb : handler->verbs()) {
      by_verb_.emplace(std::string(verb), handler.get());
    }
  }
}

Result<std::string> OrderRouter::carry_out(const OrderRequest& request) {
  const auto found = by_verb_.find(request.verb);
  if (found == by_verb_.end()) {
    std::vector<std::string> verbs;
    for (const auto& [verb, handler] : by_verb_) verbs.push_back(verb);
    const auto near = nearest(request.verb, verbs);
    return invalid_input(fmt::format("there is no order '{}'", printable(request.verb, 64)), {},
                         near ? fmt::format("did you mean '{}'?", *near) : std::string());
  }
  const std::lock_guard lock(mutex_);
  DAVY_ASSIGN(const std::uint64_t before, store_.last_order());
  auto result = found->second->carry_out(request, store_, clock_.now());
  // Also after an error: an order may be in the store although a later step failed.
  if (const auto after = store_.last_order(); after && *after != before && on_order_) {
    on_order_(*after);
  }
  return result;
}

}  // namespace davy::store
