#include "mechanisms/net/http1/path.h"

#include <gtest/gtest.h>

namespace davy::http1 {
namespace {

TEST(Path, DecodesNames) {
  EXPECT_EQ(decode_segment("a%2Db+c"), "a-b+c");
  EXPECT_EQ(decode_segment("caf%C3%A9"), "caf\xc3\xa9");
  EXPECT_EQ(decode_segment(""), "");
  for (const char* bad : {"%", "%4", "%zz", "a%2Fb", "a%5cb", "%00", "%0a", "%ff", "a\\b"}) {
    EXPECT_FALSE(decode_segment(bad)) << bad;
  }
}

TEST(Path, WhatIsEncodedIsDecodedToTheSame) {
  EXPECT_EQ(encode_segment("gpt-4o_1.5~"), "gpt-4o_1.5~");
  EXPECT_EQ(encode_segment("a b&c=%"), "a%20b%26c%3D%25");
  EXPECT_EQ(decode_segment(encode_segment("caf\xc3\xa9 + x")), "caf\xc3\xa9 + x");
}

TEST(Path, CleanOnesStay) {
  for (const char* good : {"/", "/predict", "/v2/models/m/infer", "/a.b/..c/c..", "/a/", "/a;v=1/b",
                           "/%20a", "/...", "/100%25", "/50%25zz"}) {
    EXPECT_TRUE(is_clean_path(good)) << good;
  }
}

TEST(Path, WhatServersReadInTwoWaysIsNotClean) {
  for (const char* bad :
       {"",        "a",         "//",      "//a",       "/a//b",          "/.",
        "/..",     "/./a",      "/a/../b", "/a/..",     "/%2e%2e/a",      "/.%2E",
        "/..;/a",  "/..;x=1/a", "/.;",     "/;/a",      "/a%2fb",         "/a\\..\\b",
        "/a%5c..", "/a%00",     "/%",      "/a%0d%0ab", "/%c0%ae%c0%ae/", "/%252e%252e/a",
        "/a%252Fb"}) {
    EXPECT_FALSE(is_clean_path(bad)) << bad;
  }
}

}  // namespace
}  // namespace davy::http1
