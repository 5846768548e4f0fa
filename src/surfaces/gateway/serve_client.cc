#include "surfaces/gateway/serve_client.h"

#include <array>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "generated/rules.h"
#include "mechanisms/net/client_address/forwarded.h"
#include "mechanisms/net/client_address/proxy_protocol.h"
#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/exchange.h"
#include "surfaces/gateway/exchange_metrics.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {
namespace {

constexpr http1::RefusalInfo kHeadTooSlow{
    408, "head_too_slow", "The request's head took longer than limits.header_timeout allows."};
constexpr http1::RefusalInfo kPlainHttp{400, "plain_http", "This port speaks TLS: use https://."};
constexpr http1::RefusalInfo kTooMany{
    503, "too_many_connections",
    "There are as many connections as this gateway takes (limits.connections)."};
constexpr http1::RefusalInfo kTooManyOfClient{
    503, "too_many_connections_of_client",
    "This client has as many connections as one may have (limits.connections_per_client)."};
constexpr http1::RefusalInfo kProxyNotTrusted{
    403, "proxy_not_trusted",
    "This listener takes connections from the load balancers in access.trusted_proxies alone. "
    "Come through one of them."};

// What was put out and not yet taken by the kernel, before the connection goes.
net::Task<void> finish_output(net::Connection& client, std::chrono::milliseconds time) {
  if (!client.output_waits()) co_return;
  client.deadline_in(time);
  (void)co_await client.write({});
}

// After a last answer: reads what the client still sends, for a while, so that the
// answer is not lost to a reset.
net::Task<void> linger(net::Connection& client, std::chrono::milliseconds write_time) {
  co_await finish_output(client, write_time);
  client.shut_down_writing();
  client.deadline_in(kLingerTime);
  for (std::size_t seen = 0; seen < kLingerBytes;) {
    seen += client.input().size();
    client.consume(client.input().size());
    const net::Io io = co_await client.read_more();
    if (io != net::Io::ok) co_return;
  }
}

// Bytes that are no request: answered, counted and recorded like one. True: the client was
// told, and what it still sends must be read.
net::Task<bool> refuse(LoopState& state, net::Connection& client, const http1::RefusalInfo& why,
                       const Address& who) {
  const Shared& shared = state.shared;
  ExchangeInfo info;
  info.started = state.loop.now();
  info.request_id = new_request_id(info.started.wall);
  info.client_ip = who.text();
  const auto published = state.snapshot.get();
  info.snapshot = published->snapshot.get();
  const Finding finding = about_request(rules::kGatewayRequestMalformed, std::string(why.message));
  Refusal refusal = denied(info, finding, kGateway);
  refusal.problem.status = why.status;
  const std::string body = shared.routes.fallback("").error_body(refusal.problem, refusal.detail);
  std::string out;
  auto head = http1::HeadWriter::response(out, why.status);
  head.field("Content-Type", "application/problem+json")
      .field("davy-request-id", info.request_id)
      .field("davy-rule", refusal.problem.rule)
      .field("Connection", "close")
      .content_length(body.size());
  if (!head.finish()) co_return false;
  out += body;

  ExchangeRun run(info, nullptr);
  ExchangeRecord record;
  record.status = why.status;
  record.decision = Decision::Kind::deny;
  record.denied_by = refusal.problem.rule;
  record.stage_of_denial = kGateway;
  record.bytes_out = body.size();
  record.error = why.name;
  record.end = Outcome::End::denied;
  const Now now = state.loop.now();
  state.series->record(info, record, run, now);
  state.series->count(info, finding);
  exchange_event(info, record, run, now, state.event);
  if (!shared.events.append(
          finding_event(info, finding, shared.redactor, state.loop.scratch(), now)) ||
      !shared.events.append(state.event)) {
    static log::Sampled sampled(3, 10);
    sampled.write(log::Level::error, "an event could not be kept", {},
                  static_cast<std::int64_t>(unix_seconds(now.wall)));
  }
  client.deadline_in(published->limits->write_timeout);
  const net::Io io = co_await client.write(out);
  co_return io == net::Io::ok;
}

// One that counts as being told.
class ToldAway {
 public:
  explicit ToldAway(Shared& shared) : shared_(shared), told_(++shared.told_away) {}
  ~ToldAway() { --shared_.told_away; }
  ToldAway(const ToldAway&) = delete;
  ToldAway& operator=(const ToldAway&) = delete;
  [[nodiscard]] bool too_many() const noexcept { return told_ > kMostToldAway; }

 private:
  Shared& shared_;
  const int told_;
};

// A connection too many: told to the client where `tell`, counted, and in the log; but no
// event, or a flood of them would fill the disk.
net::Task<void> turn_away(LoopState& state, net::Connection& client, bool of_client,
                          const Address& who, bool tell) {
  static log::Sampled sampled(3, 10);
  const http1::RefusalInfo& why = of_client ? kTooManyOfClient : kTooMany;
  sampled.write(log::Level::warning, "a connection was turned away",
                {{"why", why.name}, {"client", who.text()}},
                static_cast<std::int64_t>(unix_seconds(state.loop.now().wall)));
  state.series->turned_away(of_client);
  const ToldAway told(state.shared);
  if (!tell || told.too_many()) co_return;
  dialects::Problem problem;
  problem.status = why.status;
  problem.code = why.name;
  problem.title = "Too many connections";
  problem.detail = why.message;
  problem.next_step = "Try again later, or use fewer connections for more requests each.";
  const std::string body =
      state.shared.routes.fallback("").error_body(problem, dialects::Detail::full);
  std::string out;
  auto head = http1::HeadWriter::response(out, why.status);
  head.field("Content-Type", "application/problem+json")
      .field("Retry-After", "5")
      .field("Connection", "close")
      .content_length(body.size());
  if (!head.finish()) co_return;
  out += body;
  client.deadline_in(kLingerTime);
  const net::Io io = co_await client.write(out);
  if (io != net::Io::ok) co_return;
  client.shut_down_writing();
  // One read, not a whole linger: this must cost little.
  (void)co_await client.read_more();
}

// Who the load balancer says the client is; `who` is set then. False: the connection has
// ended, or was refused and told so where TLS does not come first.
net::Task<bool> read_proxy_header(LoopState& state, net::Connection& client, bool tell,
                                  Address& who) {
  const http1::RefusalInfo* why = nullptr;
  if (!state.settings().trusted_proxies.contains(who)) why = &kProxyNotTrusted;
  client.read_deadline_in(state.limits().header_timeout);
  while (why == nullptr) {
    const net::ProxyHeader header = net::read_proxy_header(client.input());
    why = header.why;
    if (header.progress == net::ProxyHeader::Progress::complete) {
      client.consume(header.size);
      if (header.client) who = *header.client;
      co_return true;
    }
    if (header.progress == net::ProxyHeader::Progress::need_more) {
      const net::Io io = co_await client.read_more();
      if (io != net::Io::ok) co_return false;
    }
  }
  if (!tell) client.abort();  // what we say would be taken for TLS; the record is made
  const bool told = co_await refuse(state, client, *why, who);
  if (told) co_await linger(client, state.limits().write_timeout);
  co_return false;
}

// With TLS where the door has it. False: the connection has ended or is of no use.
net::Task<bool> secure(LoopState& state, net::Connection& client, const Door& door,
                       const Address& who) {
  if (!door.tls) co_return true;
  const TlsDoor::Entry entry = co_await door.tls->enter(client);
  if (entry == TlsDoor::Entry::spoke_http) {
    const bool told = co_await refuse(state, client, kPlainHttp, who);
    if (told) co_await linger(client, state.limits().write_timeout);
  }
  co_return entry == TlsDoor::Entry::secured;
}

// The client of one request: the connection's, or whom trusted proxies name.
class WhoAsks {
 public:
  explicit WhoAsks(const Address& peer) : peer_(peer), peer_text_(peer.text()) {}

  // Valid until the next call.
  [[nodiscard]] std::string_view of(const http1::RequestHead& head, const Settings& settings) {
    if (!settings.trusted_proxies.contains(peer_)) return peer_text_;
    const std::string_view name =
        settings.forwarded_by == ForwardedBy::forwarded ? "forwarded" : "x-forwarded-for";
    lines_.clear();
    for (const http1::FieldView field : head.fields()) {
      if (equal_ignoring_case(field.name, name)) lines_.push_back(field.value);
    }
    text_ = net::client_of(peer_, lines_, settings.forwarded_by, settings.trusted_proxies).text();
    return text_;
  }

 private:
  const Address peer_;
  const std::string peer_text_;
  std::vector<std::string_view> lines_;
  std::string text_;
};

// True: the client was told that no more comes, and what it still sends must be read.
net::Task<bool> serve_requests(LoopState& state, net::Connection& client, const Address& peer,
                               Serving& serving) {
  RestingClients::Place place(state.resting, client);
  WhoAsks who_asks(peer);
  http1::RequestParser parser;
  for (bool first = true;; first = false) {
    client.deadline_in(state.limits().idle_timeout);
    if (!first && client.input().empty()) {
      if (state.shared.draining.load(std::memory_order_acquire) &&
          !state.shared.relieved.load(std::memory_order_relaxed)) {
        co_return true;
      }
      place.rest();
    }
    bool started = false;
    http1::Progress progress = parser.parse(client.input());
    while (progress == http1::Progress::need_more) {
      if (!started && !client.input().empty()) {
        started = true;
        client.read_deadline_in(state.limits().header_timeout);
      }
      const net::Io io = co_await client.read_more();
      place.stir();
      if (io == net::Io::timed_out && started) {
        co_return co_await refuse(state, client, kHeadTooSlow, peer);
      }
      if (io != net::Io::ok) {
        co_await finish_output(client, state.limits().write_timeout);
        co_return false;
      }
      progress = parser.parse(client.input());
    }
    if (progress == http1::Progress::refused) {
      co_return co_await refuse(state, client, http1::info(parser.problem().refusal), peer);
    }
    client.no_deadline();
    bool keep = false;
    {
      const std::string_view who = who_asks.of(parser.head(), state.settings());
      Exchange exchange(state, client, parser.head(), who);
      serving.used();
      keep = co_await exchange.run();
    }
    if (!keep) co_return true;
    parser.reset();
    client.shrink();
  }
}

// One that the gauge counts.
class Connected {
 public:
  explicit Connected(SeriesCache& series) : series_(series) { series_.connected(1); }
  ~Connected() { series_.connected(-1); }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;

 private:
  SeriesCache& series_;
};

}  // namespace

net::Task<void> serve_client(LoopState& state, std::unique_ptr<net::Connection> client,
                             const Door& door, std::unique_ptr<Serving> serving) {
  const ConnectionLimits bounds = state.connection_limits();
  CountedClient counted(state.shared.clients, bounds.all);
  Address who = client->peer();
  if (!counted.taken()) {
    co_await turn_away(state, *client, false, who, !door.tls);
    co_return;
  }
  const Connected connected(*state.series);
  bool go_on = true;
  if (door.proxy_protocol) go_on = co_await read_proxy_header(state, *client, !door.tls, who);
  if (!go_on) co_return;
  // Behind a proxy that is trusted there are many.
  const bool one_client = !state.settings().trusted_proxies.contains(who);
  if (one_client && !counted.belongs_to(who, bounds.of_client)) {
    co_await turn_away(state, *client, true, who, !door.tls);
    co_return;
  }
  go_on = co_await secure(state, *client, door, who);
  if (!go_on) co_return;
  go_on = co_await serve_requests(state, *client, who, *serving);
  serving.reset();
  if (go_on) co_await linger(*client, state.limits().write_timeout);
}

}  // namespace davy::gateway
