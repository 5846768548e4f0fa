#include "surfaces/gateway/upstream_choice.h"

#include <algorithm>
#include <utility>

namespace davy::gateway {

using Permit = net::UpstreamTarget::Permit;
using Reason = net::UpstreamTarget::Reason;

std::shared_ptr<const Published> Published::make(std::shared_ptr<const Snapshot> snapshot,
                                                 net::UpstreamDirectory& directory) {
  auto out = std::make_shared<Published>();
  for (const Model& model : snapshot->settings.models) {
    UpstreamSet& set = out->upstreams.emplace_back();
    for (const Upstream& upstream : model.upstreams) {
      set.targets.push_back(&directory.target(model, upstream));
    }
  }
  out->limits = &limits_of(snapshot->config);
  out->snapshot = std::move(snapshot);
  return out;
}

std::size_t UpstreamChoice::pick(std::uint32_t chance) const noexcept {
  const std::size_t count = set_->targets.size();
  if (!model_->shares) {
    std::size_t at = 0;
    while (at < count && !left(at)) ++at;
    return at < count ? at : kNone;
  }
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < count; ++at) {
    if (left(at)) sum += model_->upstreams[at].weight;
  }
  if (sum == 0) return kNone;
  // [0, 2^32) onto [0, sum): even but for what a sum of some thousands cannot tell.
  std::uint64_t ticket = sum * chance >> 32;
  for (std::size_t at = 0; at < count; ++at) {
    if (!left(at)) continue;
    const std::uint64_t weight = model_->upstreams[at].weight;
    if (ticket < weight) return at;
    ticket -= weight;
  }
  return kNone;
}

bool UpstreamChoice::next(SteadyTime now, std::uint32_t chance) {
  give_up();
  for (;;) {
    const std::size_t at = pick(chance);
    if (at == kNone) return false;
    tried_ |= 1u << at;
    at_ = at;
    permit_ = target().admit(now);
    if (permit_ != Permit::denied) return true;
    if (pick(chance) != kNone) target().count_fail_over(Reason::open);
  }
}

bool UpstreamChoice::another(SteadyTime now) const noexcept {
  for (std::size_t at = 0; at < set_->targets.size(); ++at) {
    const net::UpstreamTarget& target = *set_->targets[at];
    if (left(at) && target.well() && target.wait(now).count() == 0) return true;
  }
  return false;
}

std::chrono::nanoseconds UpstreamChoice::wait(SteadyTime now) const noexcept {
  std::chrono::nanoseconds shortest = std::chrono::nanoseconds::max();
  for (const net::UpstreamTarget* target : set_->targets) {
    if (target->well()) shortest = std::min(shortest, target->wait(now));
  }
  return shortest == std::chrono::nanoseconds::max() ? std::chrono::nanoseconds(0) : shortest;
}

void UpstreamChoice::succeeded(const net::Loop& loop) noexcept {
  if (permit_ == Permit::denied) return;
  const Permit permit = std::exchange(permit_, Permit::denied);
  if (!target().calm()) target().succeeded(permit, loop.now());
}

void UpstreamChoice::failed(net::CircuitBreaker::Failure failure, std::string_view why, Now now) {
  if (permit_ == Permit::denied) return;
  target().failed(std::exchange(permit_, Permit::denied), failure, why, now);
}

void UpstreamChoice::give_up() noexcept {
  if (permit_ != Permit::denied) target().given_up(std::exchange(permit_, Permit::denied));
}

}  // namespace davy::gateway
