// The orders on keys: key.create, key.list, key.revoke.
//
//   key.create {"experiment","note"?,"expires"?: "2027-03-31" or "90d","pepper"?}
//              → {"id","key","experiment","created","expires"?,"note"}   the key, this once
//   key.list   {} → {"keys":[{"id","experiment","created","created_by","note","expires"?,
//              "revoked"?,"state": "active"|"expired"|"revoked"}]}
//   key.revoke {"id","reason"?} → {"id","revoked"}    again: invalid_input
#pragma once

#include <string>
#include <vector>

#include "core/control.h"
#include "core/orders.h"
#include "pillars/access/keys/key_ring.h"

namespace davy::access {

class KeyOrders final : public OrderHandler {
 public:
  // In a server: makes keys under the ring's pepper, reloads the ring after each change
  // and tells `control` of revocations, which ends streams in flight. Both must outlive it.
  KeyOrders(KeyRing& ring, Control& control);
  // Without a server. The pepper is the argument "pepper" (a path), else the one that
  // the state remembers, else `home`/pepper.
  explicit KeyOrders(std::string home);

  [[nodiscard]] std::vector<std::string_view> verbs() const override;
  [[nodiscard]] Result<std::string> carry_out(const OrderRequest& request, StateStore& store,
                                              Now now) override;

 private:
  [[nodiscard]] Result<std::string> create(const OrderRequest& request, StateStore& store, Now now);
  [[nodiscard]] Result<std::string> list(StateStore& store, Now now);
  [[nodiscard]] Result<std::string> revoke(const OrderRequest& request, StateStore& store, Now now);

  KeyRing* ring_ = nullptr;
  Control* control_ = nullptr;
  std::string home_;
};

}  // namespace davy::access
