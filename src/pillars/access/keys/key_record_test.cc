#include "pillars/access/keys/key_record.h"

#include <gtest/gtest.h>

#include <string>

namespace davy::access {
namespace {

using namespace std::chrono;

KeyRecord record() {
  return {"0123456789AB",
          "support-bot",
          std::string(64, 'a'),
          "2026-11-24T00:00:00.000Z",
          "cli uid 0",
          "a \"note\"",
          {},
          {},
          {}};
}

TEST(KeyRecord, ComesBackAsItWas) {
  KeyRecord before = record();
  before.expires = sys_days(2027y / 3 / 31);
  before.revoked = "2026-12-01T00:00:00.000Z";
  before.revoked_why = "leaked";
  const auto after = key_record_from_json(to_json(before));
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(to_json(*after), to_json(before));
  EXPECT_EQ(after->note, before.note);
  EXPECT_EQ(after->expires, before.expires);
  EXPECT_EQ(after->revoked, before.revoked);
}

TEST(KeyRecord, DamagedOneIsAnErrorAndNeverAWeakerKey) {
  const std::string good = to_json(record());
  const auto with = [&](const std::string& what) {
    return good.substr(0, good.size() - 1) + "," + what + "}";
  };
  for (const std::string& text :
       {std::string("{}"), std::string("x"), std::string("[]"), with(R"("expires":"never")"),
        with(R"("expires":7)"), with(R"("revoked":true)"), with(R"("hmac":"")"),
        with(R"("id":"short")"), with(R"("experiment":"")")}) {
    EXPECT_FALSE(key_record_from_json(text).ok()) << text;
  }
}

TEST(KeyRecord, ServesOnItsLastDayAndNotAfterIt) {
  KeyRecord key = record();
  EXPECT_FALSE(key.expired(sys_days(2262y / 1 / 1)));
  key.expires = sys_days(2027y / 3 / 31);
  EXPECT_FALSE(key.expired(sys_days(2027y / 3 / 31) + 24h - 1ns));
  EXPECT_TRUE(key.expired(sys_days(2027y / 4 / 1)));
  key.expires = sys_days(9999y / 12 / 31);
  EXPECT_FALSE(key.expired(sys_days(2262y / 1 / 1)));
}

TEST(Date, IsReadStrictly) {
  EXPECT_EQ(parse_date("2028-02-29"), sys_days(2028y / 2 / 29));
  EXPECT_EQ(date_text(sys_days(2028y / 2 / 29)), "2028-02-29");
  for (const char* text : {"", "2027-02-29", "2027-13-01", "2027-00-01", "2027-1-1", "27-01-01",
                           "2027/01/01", "2027-01-01 ", "1969-12-31", "+027-01-01"}) {
    EXPECT_FALSE(parse_date(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace davy::access
