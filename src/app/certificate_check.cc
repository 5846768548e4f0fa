#include "app/certificate_check.h"

#include <chrono>
#include <string>

#include "mechanisms/net/tls.h"

namespace davy::app {
namespace {

// Time enough to renew one, also over holidays.
constexpr std::chrono::days kSoon{14};

void check_validity(const net::Validity& validity, const Place& place, WallTime now,
                    Diagnostics& diagnostics) {
  if (now < validity.from) {
    diagnostics.warning("this certificate does not hold before " + rfc3339(validity.from), place,
                        "clients refuse it until then; is this machine's clock right?");
  } else if (now >= validity.until) {
    diagnostics.warning("this certificate expired on " + rfc3339(validity.until), place,
                        "clients refuse it; renew it");
  } else if (validity.until - now < kSoon) {
    diagnostics.warning("this certificate expires on " + rfc3339(validity.until), place,
                        "renew it; SIGHUP takes the new one without a restart");
  }
}

}  // namespace

void check_certificates(const Settings& settings, WallTime now, Diagnostics& diagnostics) {
  for (const Endpoint& endpoint : settings.listen) {
    if (!endpoint.tls) continue;
    const auto server = net::TlsServer::load(*endpoint.tls);
    if (server) {
      check_validity(server->validity(), endpoint.tls->certificate_place, now, diagnostics);
    } else {
      diagnostics.error(server.error());
    }
  }
}

}  // namespace davy::app
