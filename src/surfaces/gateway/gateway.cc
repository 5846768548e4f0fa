#include "surfaces/gateway/gateway.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "generated/rules.h"
#include "mechanisms/net/http1/write.h"
#include "mechanisms/net/http_server.h"
#include "mechanisms/net/listener.h"
#include "surfaces/gateway/exchange.h"
#include "surfaces/gateway/exchange_metrics.h"
#include "surfaces/gateway/limits.h"
#include "surfaces/gateway/tls_door.h"
#include "surfaces/gateway/upstream_keeper.h"

namespace davy::gateway {
namespace {

// What was put out and not yet taken by the kernel, before the connection goes.
net::Task<void> finish_output(net::Connection& client) {
  if (!client.output_waits()) co_return;
  client.deadline_in(kWriteTime);
  (void)co_await client.write({});
}

// After a last answer: reads what the client still sends, for a while, so that the
// answer is not lost to a reset.
net::Task<void> linger(net::Connection& client) {
  co_await finish_output(client);
  client.shut_down_writing();
  client.deadline_in(kLingerTime);
  for (std::size_t seen = 0; seen < kLingerBytes;) {
    seen += client.input().size();
    client.consume(client.input().size());
    if (co_await client.read_more() != net::Io::ok) co_return;
  }
}

// Bytes that are no request: answered, counted and recorded like one.
net::Task<void> refuse_framing(LoopState& state, net::Connection& client,
                               const http1::RefusalInfo& why, std::string_view client_ip) {
  const Shared& shared = state.shared;
  ExchangeInfo info;
  info.started = state.loop.now();
  info.request_id = new_request_id(info.started.wall);
  info.client_ip = client_ip;
  const auto published = state.snapshot.get();
  info.snapshot = published->snapshot.get();
  const Finding finding = about_request(rules::kGatewayRequestMalformed, std::string(why.message));
  Refusal refusal = denied(info, finding, kGateway);
  refusal.problem.status = why.status;
  const std::string body = shared.routes.fallback().error_body(refusal.problem, refusal.detail);
  std::string out;
  auto head = http1::HeadWriter::response(out, why.status);
  head.field("Content-Type", "application/problem+json")
      .field("davy-request-id", info.request_id)
      .field("davy-rule", refusal.problem.rule)
      .field("Connection", "close")
      .content_length(body.size());
  if (!head.finish()) co_return;
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
  client.deadline_in(kWriteTime);
  if (co_await client.write(out) == net::Io::ok) co_await linger(client);
}

// `door` is null where clients speak plain text.
net::Task<void> serve(LoopState& state, std::unique_ptr<net::Connection> client, TlsDoor* door) {
  const std::string client_ip = client->peer().text();
  if (door != nullptr) {
    const TlsDoor::Entry entry = co_await door->enter(*client);
    if (entry == TlsDoor::Entry::spoke_http) {
      co_await refuse_framing(
          state, *client, {400, "plain_http", "This port speaks TLS: use https://."}, client_ip);
    }
    if (entry != TlsDoor::Entry::secured) co_return;
  }
  http1::RequestParser parser;
  for (;;) {
    client->deadline_in(kIdleTime);
    bool started = false;
    http1::Progress progress = parser.parse(client->input());
    while (progress == http1::Progress::need_more) {
      if (!started && !client->input().empty()) {
        started = true;
        client->deadline_in(kHeadTime);
      }
      const net::Io io = co_await client->read_more();
      if (io == net::Io::timed_out && started) {
        // Its socket is shut down already: only the record is left to make.
        co_await refuse_framing(
            state, *client, {408, "head_too_slow", "The request's head took too long."}, client_ip);
      }
      if (io != net::Io::ok) {
        co_await finish_output(*client);
        co_return;
      }
      progress = parser.parse(client->input());
    }
    if (progress == http1::Progress::refused) {
      co_await refuse_framing(state, *client, http1::info(parser.problem().refusal), client_ip);
      co_return;
    }
    client->no_deadline();
    bool keep = false;
    {
      Exchange exchange(state, *client, parser.head(), client_ip);
      keep = co_await exchange.run();
    }
    if (!keep) {
      co_await linger(*client);
      co_return;
    }
    parser.reset();
    client->shrink();
  }
}

class RunningGateway final : public Gateway {
 public:
  RunningGateway(std::shared_ptr<const Snapshot> snapshot, const Services& services,
                 std::size_t loops)
      : names_(services.clock, services.lookup),
        upstreams_(names_, services.metrics, services.proxies),
        snapshots_(Published::make(std::move(snapshot), upstreams_)),
        routes_(services.dialects),
        workers_(std::make_unique<net::WorkerPool>(loops)),
        shared_{.snapshots = snapshots_,
                .routes = routes_,
                .control = services.control,
                .events = services.events,
                .metrics = services.metrics,
                .redactor = services.redactor,
                .workers = *workers_,
                .names = names_,
                .upstreams = upstreams_},
        loops_(loops, services.clock),
        admin_routes_(services.admin_routes.begin(), services.admin_routes.end()) {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      states_.push_back(std::make_unique<LoopState>(loops_[i], shared_));
      states_.back()->upstream_sweep.set(kSweepTime);
    }
    keeper_.emplace(*states_.front());
  }

  // First the loops' threads, so that nothing resumes. Then the workers, whose work refers
  // to exchanges. Then idle connections, which must not outlive their loop; the exchanges
  // themselves go with the loops and still use the states.
  ~RunningGateway() override {
    loops_.stop();
    workers_.reset();
    names_.close();
    for (auto& state : states_) {
      state->upstreams.clear();
      state->upstream_sweep.clear();
    }
  }

  Result<void> listen(const Settings& settings) {
    for (const Endpoint& endpoint : settings.listen) {
      std::unique_ptr<TlsDoor> door;
      if (endpoint.tls) {
        DAVY_ASSIGN(door, TlsDoor::open(endpoint, shared_.metrics));
      }
      DAVY_ASSIGN(auto listener, net::Listener::bind(endpoint, loops_, loops_.size()));
      listeners_.push_back(std::move(listener));
      doors_.push_back(std::move(door));
    }
    DAVY_ASSIGN(admin_, net::Listener::bind(settings.admin, loops_, 1));
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      listeners_[i]->start(
          [this, door = doors_[i].get()](std::unique_ptr<net::Connection> connection) {
            LoopState& state = *states_[connection->loop().index()];
            return serve(state, std::move(connection), door);
          });
    }
    admin_->start(
        net::http_serve([this](const net::HttpRequest& request, net::Responder& responder) {
          return admin(request, responder);
        }));
    loops_[0].spawn(keeper_->run());
    loops_.start();
    return {};
  }

  void publish(std::shared_ptr<const Snapshot> snapshot) override {
    const auto& listen = snapshot->settings.listen;
    for (std::size_t i = 0; i < doors_.size() && i < listen.size(); ++i) {
      if (doors_[i] == nullptr || !listen[i].tls) continue;
      if (const auto read = doors_[i]->reload(*listen[i].tls); !read) {
        log::error("a certificate could not be read again; the old one stays in use",
                   {{"listener", listen[i].text()}, {"why", read.error().text()}});
      }
    }
    upstreams_.reload_tls();
    snapshots_.publish(Published::make(std::move(snapshot), upstreams_));
  }

  bool drain(std::chrono::milliseconds deadline) override {
    shared_.draining.store(true, std::memory_order_relaxed);
    for (auto& listener : listeners_) listener->stop();
    constexpr std::chrono::milliseconds kStep{20};
    for (std::chrono::milliseconds waited{0}; waited < deadline; waited += kStep) {
      if (idle()) return true;
      std::this_thread::sleep_for(kStep);
    }
    return idle();
  }

  [[nodiscard]] std::vector<Endpoint> endpoints() const override {
    std::vector<Endpoint> out;
    for (const auto& listener : listeners_) out.push_back(listener->endpoint());
    out.push_back(admin_->endpoint());
    return out;
  }

 private:
  // No exchange is under way, and every answer is with the kernel.
  [[nodiscard]] bool idle() {
    if (shared_.active.load(std::memory_order_acquire) != 0) return false;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      if (loops_[i].waiting_output() != 0) return false;
    }
    return true;
  }

  net::Task<void> admin(const net::HttpRequest& request, net::Responder& responder) {
    net::HttpResponse response;
    response.status = 404;
    response.body = "no such page; there are:\n";
    for (AdminRoute* route : admin_routes_) {
      response.body += "  " + std::string(route->path()) + "\n";
      if (route->path() != request.head.path()) continue;
      if (route->method() != request.head.method()) continue;
      AdminResponse answer = route->handle({.method = request.head.method(),
                                            .path = request.head.path(),
                                            .query = request.head.query(),
                                            .body = request.body,
                                            .now = responder.loop().now()});
      response.status = answer.status;
      response.content_type = std::move(answer.content_type);
      response.body = std::move(answer.body);
      response.fields = std::move(answer.fields);
      break;
    }
    (void)co_await responder.send(response);
  }

  // In an order in which each outlives what comes after it.
  net::Resolver names_;
  net::UpstreamDirectory upstreams_;
  SnapshotHolder snapshots_;
  Routes routes_;
  std::unique_ptr<net::WorkerPool> workers_;
  Shared shared_;
  std::vector<std::unique_ptr<LoopState>> states_;
  std::vector<std::unique_ptr<TlsDoor>> doors_;  // as listeners_; null: plain text
  std::optional<UpstreamKeeper> keeper_;
  net::Loops loops_;
  std::vector<AdminRoute*> admin_routes_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<net::Listener> admin_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::start(std::shared_ptr<const Snapshot> snapshot,
                                                const Services& services, std::size_t loops) {
  const Settings& settings = snapshot->settings;
  auto gateway = std::make_unique<RunningGateway>(snapshot, services,
                                                  loops == 0 ? net::usable_cores() : loops);
  DAVY_TRY(gateway->listen(settings));
  return std::unique_ptr<Gateway>(std::move(gateway));
}

}  // namespace davy::gateway
