// The orders on keys: key.create, key.list, key.revoke.
//
//   key.create {"experiment","note"?,"expires"?: "2027-03-31" or "90d","pepper"?}
//              → {"id","key","experiment","created","expires"?,"note"}   the key, this once
//   key.list   {"after"?: id} → {"keys":[{"id","experiment","created","created_by","note",
//              "expires"?,"revoked"?,"state": "active"|"expired"|"revoked"}],"next"?: id}
//              by id, kKeysAPage at a time; `next` is the `after` of the next page
//   key.revoke {"id","reason"?} → {"id","revoked"}    again: invalid_input
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/control.h"
#include "core/orders.h"
#include "pillars/access/keys/key_ring.h"

namespace davy::access {

// So a page stays below store::kMaxOrderLine, whatever the notes hold.
inline constexpr std::size_t kKeysAPage = 400;

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

  // For a server that another one has relieved: takes over, as if it had been ordered here,
  // what that one did to keys in the orders after `sequence`. Gives the last order's.
  [[nodiscard]] Result<std::uint64_t> follow(const StateStore& store, std::uint64_t sequence);

 private:
  [[nodiscard]] Result<std::string> create(const OrderRequest& request, StateStore& store, Now now);
  [[nodiscard]] Result<std::string> list(const OrderRequest& request, StateStore& store, Now now);
  [[nodiscard]] Result<std::string> revoke(const OrderRequest& request, StateStore& store, Now now);

  [[nodiscard]] Result<KeyRing*> ring(std::string_view pepper_argument, const StateStore& store);

  KeyRing* ring_ = nullptr;
  Control* control_ = nullptr;
  std::string home_;
  std::unique_ptr<KeyRing> own_ring_;
};

}  // namespace davy::access
