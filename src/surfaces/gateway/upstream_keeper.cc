#include "surfaces/gateway/upstream_keeper.h"

#include <algorithm>
#include <exception>

#include "base/log.h"
#include "base/secret.h"
#include "mechanisms/net/http1/write.h"

namespace davy::gateway {
namespace {

constexpr std::size_t kUsualHead = 1024;

bool passes(const HealthCheck& check, int status) {
  if (check.status.empty()) return status >= 200 && status <= 299;
  return std::find(check.status.begin(), check.status.end(), status) != check.status.end();
}

}  // namespace

net::Task<void> UpstreamKeeper::run() {
  SteadyTime files = state_.loop.steady();
  for (;;) {
    co_await state_.loop.pause(kEvery);
    const std::shared_ptr<const Published> published = state_.shared.snapshots.current();
    try {
      look_after(published);
    } catch (const std::exception& e) {  // no memory: the next round may have some
      log::warning("upstreams could not be looked after", {{"what", e.what()}});
    }
    const SteadyTime now = state_.loop.steady();
    const ProviderCredentials* const held = published->snapshot->credentials.get();
    if (now - files < kFilesEvery) continue;
    files = now;
    // They may lie on a network: not on a loop.
    (void)co_await state_.shared.workers.run(state_.loop, [&](Scratch&) {
      if (held != nullptr) held->refresh();
      state_.shared.upstreams.reload_tls();
    });
  }
}

void UpstreamKeeper::look_after(const std::shared_ptr<const Published>& published) {
  const SteadyTime now = state_.loop.steady();
  for (const Model& model : published->snapshot->settings.models) {
    const UpstreamSet& set = published->of(model);
    for (const Upstream& upstream : model.upstreams) {
      net::UpstreamTarget& target = *set.targets[upstream.position];
      if (!target.connects_to().empty()) state_.shared.names.refresh(target.connects_to());
      target.publish_state();
      if (!model.health) {
        // It is not asked any more.
        const auto found = health_.find(&target);
        if (found != health_.end() && !found->second.running) health_.erase(found);
        target.set_well(true, "");
        continue;
      }
      Health& health = health_[&target];
      if (health.running || now < health.next || checks_ >= kMaxChecks) continue;
      health.running = true;
      health.next = now + model.health->every;
      ++checks_;
      state_.loop.spawn(check(published, model, upstream, target, health));
    }
  }
}

net::Task<void> UpstreamKeeper::check(std::shared_ptr<const Published> published,
                                      const Model& model, const Upstream& upstream,
                                      net::UpstreamTarget& target, Health& health) {
  bool ours = false;
  const std::string trouble = co_await ask(*published, model, upstream, target, ours);
  --checks_;
  health.running = false;
  if (!ours) target.set_well(health.tally.report(trouble.empty()), trouble);
}

net::Task<std::string> UpstreamKeeper::ask(const Published& published, const Model& model,
                                           const Upstream& upstream, net::UpstreamTarget& target,
                                           bool& ours) {
  const std::chrono::milliseconds time = std::min(kCheckTime, model.health->every);
  auto made = co_await state_.upstreams.connect(target, time);
  if (!made) {
    ours = made.error().kind == ErrorKind::limit;
    co_return made.error().message;
  }
  net::Connection& connection = **made;
  connection.deadline_in(time);

  std::string out;
  out.reserve(kUsualHead);
  auto head = http1::HeadWriter::request(out, "GET", target.target_prefix() + model.health->path);
  head.field("Host", target.host_field())
      .field("Accept", "*/*")
      .field("User-Agent", "davy")
      .field("Connection", "close");
  if (const auto written = head.finish(); !written) co_return written.error().message;
  out.resize(out.size() - 2);
  if (const auto& credentials = published.snapshot->credentials) {
    if (const auto added = credentials->append_fields(model, upstream, out); !added) {
      co_return added.error().message;
    }
  }
  if (!target.target_prefix().empty()) target.proxy()->append_field(out);
  append_wiping(out, "\r\n");
  const net::Io sent = co_await connection.write(out);
  wipe(out.data(), out.size());
  if (sent != net::Io::ok) co_return std::string("it ended the connection");

  http1::ResponseParser parser;
  for (;;) {
    const http1::Progress progress = parser.parse(connection.input());
    if (progress == http1::Progress::refused) co_return std::string("it speaks no HTTP");
    if (progress == http1::Progress::complete) {
      const int status = parser.head().status();
      if (!parser.head().interim()) {
        if (passes(*model.health, status)) co_return std::string();
        co_return "GET " + model.health->path + " gave status " + std::to_string(status);
      }
      connection.consume(parser.head().size());
      parser.reset();
      continue;
    }
    const net::Io io = co_await connection.read_more();
    if (io == net::Io::timed_out) co_return std::string("it did not answer in time");
    if (io != net::Io::ok) co_return std::string("it ended the connection");
  }
}

}  // namespace davy::gateway
