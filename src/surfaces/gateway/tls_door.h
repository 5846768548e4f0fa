// The TLS of one listener: the certificate in force, and handshakes with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include "core/metrics.h"
#include "core/settings.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/tls.h"

namespace davy::gateway {

// Thread-safe. It counts the handshakes that failed (`davy_tls_handshakes_failed_total`) and
// tells when its certificate expires (`davy_tls_certificate_expiry_timestamp_seconds`).
class TlsDoor {
 public:
  // A client that has not shaken hands by then is let go.
  static constexpr std::chrono::seconds kHandshakeTime{10};

  // `endpoint.tls` must be there; its address becomes the label of the metrics.
  [[nodiscard]] static Result<std::unique_ptr<TlsDoor>> open(const Endpoint& endpoint,
                                                             Metrics& metrics);

  // Reads the files: handshakes that begin after this use what they hold now, connections
  // that are there keep what they have. After an error nothing has changed.
  [[nodiscard]] Result<void> reload(const ListenTls& files);

  enum class Entry : std::uint8_t {
    secured,
    spoke_http,  // in plain text; the connection is plain and can carry an answer
    refused,     // told, and in the log; nothing is left to do with it
  };
  // What was read already, behind a PROXY protocol header say, is taken as the begin of the
  // handshake.
  [[nodiscard]] net::Task<Entry> enter(net::Connection& client);

 private:
  TlsDoor(const Endpoint& endpoint, Metrics& metrics);
  [[nodiscard]] std::shared_ptr<const net::TlsServer> current() const;

  Metrics& metrics_;
  MetricSeries failed_;
  MetricSeries expiry_;
  mutable std::mutex mutex_;
  std::shared_ptr<const net::TlsServer> server_;  // guarded by mutex_
};

}  // namespace davy::gateway
