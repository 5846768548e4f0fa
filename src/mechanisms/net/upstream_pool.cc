#include "mechanisms/net/upstream_pool.h"

#include <algorithm>

#include "mechanisms/net/connect.h"
#include "mechanisms/net/http1/parser.h"
#include "mechanisms/net/http1/write.h"

namespace davy::net {
namespace {

// Of an answer to CONNECT.
constexpr std::size_t kTunnelHead = 1024;

Error failed(std::string why) { return unavailable(std::move(why)); }

// Asks a proxy for a way through (RFC 9110 section 9.3.6).
Task<Result<void>> open_tunnel(Connection& connection, const UpstreamTarget& target) {
  const std::string authority = target.url().authority();
  std::string request;
  request.reserve(kTunnelHead + target.proxy()->authorization.size());
  auto head = http1::HeadWriter::request(request, "CONNECT", authority);
  head.field("Host", authority);
  if (auto written = head.finish(); !written) co_return written.error();
  request.resize(request.size() - 2);
  target.proxy()->append_field(request);
  append_wiping(request, "\r\n");
  const Io sent = co_await connection.write(request);
  wipe(request.data(), request.size());
  if (sent != Io::ok) co_return failed("its proxy ended the connection");
  http1::ResponseParser parser;
  for (;;) {
    parser.reset(true);
    const http1::Progress progress = parser.parse(connection.input());
    if (progress == http1::Progress::refused) co_return failed("its proxy speaks no HTTP");
    if (progress == http1::Progress::need_more) {
      const Io io = co_await connection.read_more();
      if (io == Io::timed_out) co_return failed("its proxy did not answer in time");
      if (io != Io::ok) co_return failed("its proxy ended the connection");
      continue;
    }
    const int status = parser.head().status();
    const bool interim = parser.head().interim();
    connection.consume(parser.head().size());
    if (interim) continue;
    if (status == 407) co_return failed("its proxy wants a login that HTTPS_PROXY does not give");
    if (status / 100 != 2) {
      co_return failed("its proxy refused the way to it with status " + std::to_string(status));
    }
    // A server of TLS waits for its client to begin.
    if (!connection.input().empty()) co_return failed("its proxy sent what nobody asked for");
    co_return Result<void>();
  }
}

}  // namespace

UpstreamPool::Slot& UpstreamPool::slot(UpstreamTarget& target) {
  if (target.slot() >= slots_.size()) slots_.resize(target.slot() + 1);
  auto& slot = slots_[target.slot()];
  if (slot == nullptr) slot = std::make_unique<Slot>(target);
  return *slot;
}

std::unique_ptr<Connection> UpstreamPool::take_idle(UpstreamTarget& target, SteadyTime now) {
  auto& idle = slot(target).idle;
  while (!idle.empty()) {
    Idle last = std::move(idle.back());
    idle.pop_back();
    if (now - last.since < kIdleTime && last.connection->generation() == target.generation() &&
        last.connection->usable_while_idle()) {
      return std::move(last.connection);
    }
  }
  return nullptr;
}

Task<Result<std::unique_ptr<Connection>>> UpstreamPool::open(UpstreamTarget& target,
                                                             std::chrono::nanoseconds timeout) {
  const UpstreamUrl& url = target.url();
  if (!url.socket.empty()) co_return co_await connect_unix(loop_, url.socket, timeout);
  const SteadyTime end = loop_.steady() + timeout;
  // Before the name is asked for: an answer that comes after it is newer.
  const std::uint32_t generation = target.generation();
  auto addresses = co_await names_.resolve(loop_, target.connects_to(), timeout);
  if (!addresses) co_return addresses.error();
  const std::uint16_t port = target.proxy() != nullptr ? target.proxy()->port : url.port;
  auto made = co_await connect_tcp(loop_, std::move(addresses).value(), port, end - loop_.steady());
  if (!made) co_return made.error();
  Connection& connection = **made;
  connection.set_generation(generation);
  if (!url.tls) co_return made;
  connection.deadline_in(end - loop_.steady());
  if (target.proxy() != nullptr) {
    auto opened = co_await open_tunnel(connection, target);
    if (!opened) co_return opened.error();
  }
  const std::shared_ptr<const TlsClient> client = target.tls()->client();
  if (client == nullptr) co_return failed("its TLS files cannot be used; the log says why");
  auto secured = co_await connection.connect_tls(*client, target.tls_name());
  if (!secured) co_return secured.error();
  co_return made;
}

Task<Result<std::unique_ptr<Connection>>> UpstreamPool::connect(UpstreamTarget& target,
                                                                std::chrono::nanoseconds timeout) {
  auto made = co_await open(target, timeout);
  if (made) {
    (*made)->no_deadline();
    co_return made;
  }
  Error error = std::move(made).error();
  std::string who = "upstream " + target.label();
  if (target.proxy() != nullptr) who += " through the proxy " + target.proxy()->authority();
  error.message = who + ": " + error.message;
  co_return error;
}

void UpstreamPool::put_back(UpstreamTarget& target, std::unique_ptr<Connection> connection,
                            SteadyTime now) {
  connection->no_deadline();
  auto& idle = slot(target).idle;
  if (idle.size() >= kMaxIdle || !connection->input().empty() || connection->output_waits()) return;
  connection->shrink();
  idle.push_back({std::move(connection), now});
}

void UpstreamPool::sweep(SteadyTime now) noexcept {
  for (auto& slot : slots_) {
    if (slot == nullptr) continue;
    auto& idle = slot->idle;
    const auto young = std::find_if(idle.begin(), idle.end(),
                                    [&](const Idle& each) { return now - each.since < kIdleTime; });
    idle.erase(idle.begin(), young);
    const auto count = static_cast<std::int64_t>(idle.size());
    slot->target.count_connections(static_cast<double>(count - slot->told_idle),
                                   static_cast<double>(slot->active - slot->told_active));
    slot->told_idle = count;
    slot->told_active = slot->active;
  }
}

std::size_t UpstreamPool::idle() const noexcept {
  std::size_t count = 0;
  for (const auto& slot : slots_) {
    if (slot != nullptr) count += slot->idle.size();
  }
  return count;
}

void UpstreamPool::clear() noexcept {
  for (auto& slot : slots_) {
    if (slot != nullptr) slot->idle.clear();
  }
}

}  // namespace davy::net
