#include "mechanisms/crypto/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"

namespace davy::crypto {
namespace {

// FIPS 180-2, appendix B; the empty message from NIST's CAVP short messages.
TEST(Sha256, GivesTheKnownAnswersOfFips180) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheSameAsTheWholeAtEverySplit) {
  const std::string text = "the quick brown fox jumps over the lazy dog, and then over 64 bytes";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    Sha256 pieces;
    pieces.update(std::string_view(text).substr(0, split));
    pieces.update(std::string_view(text).substr(split));
    EXPECT_EQ(pieces.finish(), sha256(text)) << split;
  }
}

struct Rfc4231 {
  std::string key;
  std::string data;
  const char* hmac;
};

// RFC 4231, section 4, cases 1 to 4, 6 and 7 (case 5 is about a truncated result).
TEST(HmacSha256, GivesTheKnownAnswersOfRfc4231) {
  const Rfc4231 cases[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {*davy::from_hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
       std::string(50, '\xcd'), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const Rfc4231& c : cases) {
    EXPECT_EQ(to_hex(hmac_sha256(Secret::copy_of(c.key), c.data)), c.hmac);
  }
}

TEST(HmacSha256, KeyIsUsedAgainWithTheSameResult) {
  const HmacKey key(Secret::copy_of("Jefe"));
  const Digest first = key.sign("what do ya want for nothing?");
  (void)key.sign("something else in between");
  EXPECT_EQ(key.sign("what do ya want for nothing?"), first);
}

TEST(HmacSha256, ThreadsShareOneKey) {
  const HmacKey key(Secret::copy_of("Jefe"));
  const Digest expected = key.sign("message");
  std::vector<std::thread> threads;
  std::array<bool, 4> same{};
  for (std::size_t i = 0; i < same.size(); ++i) {
    threads.emplace_back([&, i] {
      bool all = true;
      for (int n = 0; n < 1000; ++n) all = all && key.sign("message") == expected;
      same[i] = all;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, (std::array<bool, 4>{true, true, true, true}));
}

TEST(Digest, HexGoesBothWaysAndRefusesOtherText) {
  const Digest digest = sha256("abc");
  Digest back{};
  EXPECT_TRUE(from_hex(to_hex(digest), back));
  EXPECT_TRUE(equal_constant_time(back, digest));
  const Digest before = back;
  EXPECT_FALSE(from_hex("", back));
  EXPECT_FALSE(from_hex(std::string(63, 'a'), back));
  EXPECT_FALSE(from_hex(std::string(63, 'a') + "g", back));
  EXPECT_FALSE(from_hex(std::string(66, 'a'), back));
  EXPECT_EQ(back, before);
  back[31] ^= 1;
  EXPECT_FALSE(equal_constant_time(back, digest));
}

}  // namespace
}  // namespace davy::crypto
