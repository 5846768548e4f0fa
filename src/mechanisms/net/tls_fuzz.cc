// Three files as whoever configures TLS may give them: each is the good one, the good one
// with the input's bytes in it, those bytes alone, or empty.
//
// Oracles: no crash and no question to a terminal. Good files are taken. A refusal names one
// of the files, what is wrong and what to do, and nothing of the key. What is taken is taken
// again, with the same validity, also with text around its blocks (RFC 7468 section 2).
// Authorities that were given are asked for.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mechanisms/net/tls.h"
#include "mechanisms/net/tls_for_tests.h"

namespace {

using davy::ListenTls;
using davy::UpstreamTls;
using davy::net::TlsClient;
using davy::net::TlsPem;
using davy::net::TlsServer;
using davy::net::testing::Authority;
using davy::net::testing::Pair;

void require(bool held) {
  if (!held) std::abort();
}

struct Good {
  Authority authority;
  Pair own = authority.issue();
  std::string chain = own.certificate + authority.pem();
  std::string authorities = authority.pem();
};

enum class Make : std::uint8_t { good, spliced, raw, empty };

std::string make(Make how, const std::string& good, std::string_view bytes, std::size_t at) {
  switch (how) {
    case Make::good: return good;
    case Make::raw: return std::string(bytes);
    case Make::empty: return {};
    case Make::spliced: break;
  }
  // Over what is there, so that a block stays one.
  std::string out = good;
  at %= out.size();
  return out.replace(at, std::min(bytes.size(), out.size() - at), bytes);
}

void check_error(const davy::Error& error, const std::string& key) {
  const std::string& file = error.place.file;
  require(file == "s.pem" || file == "s.key" || file == "c.pem");
  require(!error.message.empty() && !error.hint.empty());
  // A line of base64 of the key, from its middle.
  if (key.size() > 160) require(error.text().find(key.substr(80, 16)) == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Good good;
  if (size < 3) return 0;
  const auto how = [&](unsigned shift) { return static_cast<Make>((data[0] >> shift) & 3U); };
  const std::size_t at = data[1] + 256U * (data[2] % 8U);
  const std::string text(data + 3, data + size);
  const std::string chain = make(how(0), good.chain, text, at);
  const std::string key = make(how(2), good.own.key, text, at);
  const std::string authorities = make(how(4), good.authorities, text, at);
  const bool asks = (data[0] & 64U) != 0;

  const ListenTls names{"s.pem", "s.key", asks ? "c.pem" : "", {}, {}, {}};
  const TlsPem pem{chain, key, asks ? std::string_view(authorities) : std::string_view()};
  const auto made = TlsServer::create(pem, names);
  const bool all_good =
      how(0) == Make::good && how(2) == Make::good && (!asks || how(4) == Make::good);
  require(!all_good || made.ok());
  if (!made) check_error(made.error(), key);
  if (made) {
    require(made->asks_clients() == asks);
    const std::string around = "# of the server\n" + chain + "\nthat was it\n";
    const auto again = TlsServer::create({around, key, pem.authorities}, names);
    require(again.ok());
    require(again->validity().from == made->validity().from);
    require(again->validity().until == made->validity().until);
  }

  const UpstreamTls trust{"c.pem", "s.pem", "s.key", "", true};
  const auto client = TlsClient::create({chain, key, authorities}, trust);
  require(how(0) != Make::good || how(2) != Make::good || how(4) != Make::good || client.ok());
  if (!client) check_error(client.error(), key);
  return 0;
}
