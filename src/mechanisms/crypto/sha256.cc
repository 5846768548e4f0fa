// SHA256_CTX is deprecated in favour of EVP, which cannot copy a state without allocating.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "mechanisms/crypto/sha256.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/bytes.h"

namespace davy::crypto {
namespace {

constexpr std::size_t kBlock = 64;  // FIPS 180-4: SHA-256 works on blocks of 512 bits

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

// sha256.h: no caller could go on safely.
void must(bool done) {
  if (!done) std::abort();
}

// Fetched once: EVP_sha256() would look the provider up for each digest.
const EVP_MD* algorithm() {
  static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  must(fetched != nullptr);
  return fetched;
}

Context new_context() {
  Context context(EVP_MD_CTX_new());
  must(context != nullptr);
  return context;
}

void start(EVP_MD_CTX* context) { must(EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1); }

void add(EVP_MD_CTX* context, std::string_view bytes) {
  must(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

Digest end(EVP_MD_CTX* context) {
  Digest digest{};
  must(EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1);
  return digest;
}

std::string_view text(const Digest& digest) {
  return {static_cast<const char*>(static_cast<const void*>(digest.data())), digest.size()};
}

// One context a thread for digests that start and end within a call.
EVP_MD_CTX* thread_context() {
  thread_local const Context context = new_context();
  return context.get();
}

}  // namespace

Digest sha256(std::string_view bytes) {
  EVP_MD_CTX* const context = thread_context();
  start(context);
  add(context, bytes);
  return end(context);
}

std::string to_hex(const Digest& digest) { return davy::to_hex(text(digest)); }

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

bool from_hex(std::string_view hex, Digest& out) {
  if (hex.size() != 2 * out.size()) return false;
  const std::optional<std::string> bytes = davy::from_hex(hex);
  if (!bytes) return false;
  std::transform(bytes->begin(), bytes->end(), out.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
  return true;
}

bool equal_constant_time(const Digest& a, const Digest& b) noexcept {
  return davy::equal_constant_time(text(a), text(b));
}

struct Sha256::State {
  Context context = new_context();
};

Sha256::Sha256() : state_(std::make_unique<State>()) { start(state_->context.get()); }
Sha256::~Sha256() = default;
void Sha256::update(std::string_view bytes) { add(state_->context.get(), bytes); }
Digest Sha256::finish() { return end(state_->context.get()); }

// RFC 2104: H(key ^ opad, H(key ^ ipad, message)); both are kept after their first block.
// Plain SHA256_CTX, whose copy is a copy of bytes: EVP_MD_CTX_copy_ex allocates, which made
// up a third of a key check.
struct HmacKey::State {
  SHA256_CTX inner;
  SHA256_CTX outer;
  ~State() { wipe(this, sizeof *this); }
};

HmacKey::HmacKey(const Secret& key) : state_(std::make_unique<State>()) {
  std::array<char, kBlock> block{};
  if (key.size() > kBlock) {
    Digest digest = sha256(key.expose());
    std::copy_n(text(digest).begin(), digest.size(), block.begin());
    wipe(digest.data(), digest.size());
  } else {
    std::copy_n(key.expose().begin(), key.size(), block.begin());
  }
  constexpr char kInnerPad = 0x36;
  constexpr char kOuterPad = 0x5C;
  const auto begin_with = [&block](SHA256_CTX& context) {
    must(SHA256_Init(&context) == 1 && SHA256_Update(&context, block.data(), block.size()) == 1);
  };
  for (char& c : block) c = static_cast<char>(c ^ kInnerPad);
  begin_with(state_->inner);
  for (char& c : block) c = static_cast<char>(c ^ kInnerPad ^ kOuterPad);
  begin_with(state_->outer);
  wipe(block.data(), block.size());
}

HmacKey::~HmacKey() = default;
HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;

Digest HmacKey::sign(std::string_view message) const {
  Digest digest;
  SHA256_CTX context = state_->inner;
  must(SHA256_Update(&context, message.data(), message.size()) == 1);
  must(SHA256_Final(digest.data(), &context) == 1);
  context = state_->outer;
  must(SHA256_Update(&context, digest.data(), digest.size()) == 1);
  must(SHA256_Final(digest.data(), &context) == 1);
  return digest;
}

Digest hmac_sha256(const Secret& key, std::string_view message) {
  return HmacKey(key).sign(message);
}

}  // namespace davy::crypto
