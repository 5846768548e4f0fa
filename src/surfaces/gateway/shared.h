// What all exchanges of one gateway share, and what those of one loop do.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/control.h"
#include "core/event_sink.h"
#include "core/metrics.h"
#include "core/redactor.h"
#include "mechanisms/net/http1/parser.h"
#include "mechanisms/net/upstream_pool.h"
#include "mechanisms/net/worker_pool.h"
#include "surfaces/gateway/clients.h"
#include "surfaces/gateway/limits.h"
#include "surfaces/gateway/routes.h"
#include "surfaces/gateway/snapshot_holder.h"

namespace davy::gateway {

struct Shared {
  SnapshotHolder& snapshots;
  const Routes& routes;
  const Control& control;
  EventSink& events;
  Metrics& metrics;
  const Redactor& redactor;
  net::WorkerPool& workers;
  net::Resolver& names;
  net::UpstreamDirectory& upstreams;
  ConnectionBounds connections;
  std::atomic<bool> draining{false};
  // Then also: by another process, so that connections at rest may go on resting.
  std::atomic<bool> relieved{false};
  std::atomic<std::int64_t> active{0};  // exchanges under way
  // Connections that wait for a request or have one; not those that were told to go.
  std::atomic<std::int64_t> serving{0};
  std::atomic<std::int64_t> fresh{0};  // of these, that wait for their first request
  ClientCounts clients{};
  std::atomic<int> told_away{0};  // connections too many that are being told so
};

// One that counts as `serving`.
class Serving {
 public:
  explicit Serving(Shared& shared) noexcept : shared_(shared) {
    ++shared_.fresh;
    ++shared_.serving;
  }
  ~Serving() {
    used();
    --shared_.serving;
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  // It has a request.
  void used() noexcept {
    if (std::exchange(fresh_, false)) --shared_.fresh;
  }

 private:
  Shared& shared_;
  bool fresh_ = true;
};

// How many connections there may be now.
struct ConnectionLimits {
  std::size_t all = SIZE_MAX;
  std::size_t of_client = SIZE_MAX;
};

// Series by what they are labelled with, so that the table of the Metrics is asked once.
class SeriesCache;

struct LoopState {
  LoopState(net::Loop& l, Shared& s);
  ~LoopState();

  // Any number, each as often as another: for shares, not for secrets (xorshift32).
  [[nodiscard]] std::uint32_t chance() noexcept {
    chance_ ^= chance_ << 13;
    chance_ ^= chance_ >> 17;
    chance_ ^= chance_ << 5;
    return chance_;
  }
  void sweep_upstreams() noexcept;
  // Those that new exchanges begin with; until the loop does something else.
  [[nodiscard]] const Limits& limits() { return *snapshot.get()->limits; }
  [[nodiscard]] const Settings& settings() { return snapshot.get()->snapshot->settings; }
  [[nodiscard]] ConnectionLimits connection_limits();

  net::Loop& loop;
  Shared& shared;
  SnapshotHolder::Reader snapshot;
  net::UpstreamPool upstreams;
  RestingClients resting;
  net::TimerWheel::Timer upstream_sweep;                // set by whoever starts the loop
  std::vector<HeaderField> fields;                      // only between two suspensions
  Event event{Sourcetype::model_api_logs, WallTime()};  // likewise
  // Documents and readers that nobody uses now, by dialect.
  std::vector<std::vector<std::unique_ptr<dialects::RequestDocument>>> requests;
  std::vector<std::vector<std::unique_ptr<dialects::AnswerDocument>>> answers;
  std::vector<std::unique_ptr<http1::ResponseParser>> parsers;
  std::unique_ptr<SeriesCache> series;

 private:
  std::uint32_t chance_;  // never 0
};

}  // namespace davy::gateway
