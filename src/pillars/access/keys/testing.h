// For tests only: a home with a ring and the orders of a server.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "base/clock.h"
#include "core/live_control.h"
#include "mechanisms/store/testing.h"
#include "pillars/access/keys/key_orders.h"
#include "pillars/access/keys/key_ring.h"

namespace davy::access::testing {

struct KeyHome : store::testing::TestHome {
  ManualClock clock{WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24))};
  KeyRing ring{store::testing::must(open_pepper(folder.file("pepper"), *store))};
  LiveControl control;
  KeyOrders orders{ring, control};

  Result<std::string> order(const std::string& verb, const std::string& arguments) {
    return orders.carry_out({verb, arguments, "cli uid 7"}, *store, clock.now());
  }
  // The answer of key.create.
  boost::json::object create(const std::string& experiment, const std::string& expires = {}) {
    const std::string arguments = boost::json::serialize(
        boost::json::object{{"experiment", experiment}, {"expires", expires}});
    return boost::json::parse(store::testing::must(order("key.create", arguments))).as_object();
  }
};

inline std::string text(const boost::json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

}  // namespace davy::access::testing
