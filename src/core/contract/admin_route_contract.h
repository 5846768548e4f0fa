// What every AdminRoute must do (core/admin_route.h).
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>

#include "core/admin_route.h"
#include "core/contract/violations.h"

namespace davy {

using AdminRouteFactory = std::function<std::unique_ptr<AdminRoute>()>;

namespace contract {

inline Violations a_route_has_a_method_and_a_plain_path(const AdminRouteFactory& make) {
  Check check;
  const auto route = make();
  constexpr std::array<std::string_view, 5> kMethods{"GET", "POST", "PUT", "PATCH", "DELETE"};
  check.that(std::find(kMethods.begin(), kMethods.end(), route->method()) != kMethods.end(),
             "an unknown method");
  const std::string_view path = route->path();
  check.that(path.starts_with('/') && path.find_first_of("?#% \r\n") == std::string_view::npos &&
                 path.find("//") == std::string_view::npos,
             "the path is not plain");
  return check.take();
}

inline bool is_field(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

inline Violations every_request_has_a_well_formed_answer(const AdminRouteFactory& make) {
  const auto route = make();
  const std::string large(1U << 20, 'x');
  const std::vector<std::string> inputs{"", "a=b", "{}", "[", std::string("\0\r\n\xff", 4), large};
  std::vector<Violations> found(2);
  on_threads(found.size(), [&](std::size_t thread) {
    Check check;
    for (const std::string& input : inputs) {
      const std::string_view query = std::string_view(input).substr(0, 4096);
      const AdminResponse response =
          route->handle({route->method(), route->path(), query, input, Now{}});
      check.that(response.status >= 200 && response.status < 600, "no final status");
      check.that(response.status != 500, "an input is answered with 500");
      check.that(!response.content_type.empty() && is_field(response.content_type),
                 "the content type is no header field");
      for (const auto& [name, value] : response.fields) {
        check.that(!name.empty() && is_field(name) && is_field(value), "a broken header field");
      }
    }
    found[thread] = check.take();
  });
  Violations all;
  for (const Violations& of_one : found) all.insert(all.end(), of_one.begin(), of_one.end());
  return all;
}

}  // namespace contract

class AdminRouteContract : public ::testing::TestWithParam<AdminRouteFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(AdminRouteContract);

TEST_P(AdminRouteContract, ARouteHasAMethodAndAPlainPath) {
  EXPECT_EQ(contract::lines(contract::a_route_has_a_method_and_a_plain_path(GetParam())), "");
}
TEST_P(AdminRouteContract, EveryRequestHasAWellFormedAnswer) {
  EXPECT_EQ(contract::lines(contract::every_request_has_a_well_formed_answer(GetParam())), "");
}

}  // namespace davy
