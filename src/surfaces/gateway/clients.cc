#include "surfaces/gateway/clients.h"

#include <algorithm>

namespace davy::gateway {

ClientCounts::Key ClientCounts::key_of(const Address& client) noexcept {
  Key key{client.family, {}};
  std::copy_n(client.bytes.begin(), key.second.size(), key.second.begin());
  return key;
}

ClientCounts::Stripe& ClientCounts::stripe_of(const Key& key) noexcept {
  std::size_t hash = 0;
  for (const unsigned char byte : key.second) hash = hash * 31 + byte;
  return stripes_[hash % kStripes];
}

bool ClientCounts::enter(std::size_t bound) noexcept {
  if (all_.fetch_add(1, std::memory_order_relaxed) < bound) return true;
  leave();
  return false;
}

bool ClientCounts::enter(const Address& client, std::size_t bound) {
  const Key key = key_of(client);
  Stripe& stripe = stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.counts.find(key);
  if (found == stripe.counts.end()) return bound > 0 && stripe.counts.emplace(key, 1).second;
  if (found->second >= bound) return false;
  ++found->second;
  return true;
}

void ClientCounts::leave(const Address& client) noexcept {
  const Key key = key_of(client);
  Stripe& stripe = stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.counts.find(key);
  if (found != stripe.counts.end() && --found->second == 0) stripe.counts.erase(found);
}

void RestingClients::Place::rest() noexcept {
  if (previous_ != nullptr) return;
  next_ = all_.first_;
  previous_ = &all_.first_;
  if (next_ != nullptr) next_->previous_ = &next_;
  all_.first_ = this;
}

void RestingClients::Place::stir() noexcept {
  if (previous_ == nullptr) return;
  *previous_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  next_ = nullptr;
  previous_ = nullptr;
}

void RestingClients::end() noexcept {
  // abort() resumes nobody at once, so no place goes meanwhile.
  for (Place* place = first_; place != nullptr; place = place->next_) {
    net::Connection& client = place->client_;
    if (client.output_waits() || client.input_waits()) continue;
    client.shut_down_writing();
    client.abort();
  }
}

}  // namespace davy::gateway
