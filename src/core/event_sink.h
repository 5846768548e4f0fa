// Where events go and where they are read from.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/event.h"

namespace davy {

struct EventSinkStats {
  std::uint64_t appended = 0;
  // Events that could not be kept. Never silent: it is a metric and a log line.
  std::uint64_t lost = 0;
};

// Thread-safe. Never blocks an event loop for long: an implementation queues.
class EventSink {
 public:
  virtual ~EventSink() = default;

  // Before the upstream call of an exchange whose evidence is `required`: reserves the
  // room for its end and records that it began, durably. An error must deny the exchange.
  [[nodiscard]] virtual Result<void> begin(const Event& begin) = 0;

  // Takes the event. An error says that it will not be kept.
  [[nodiscard]] virtual Result<void> append(const Event& event) = 0;

  // Returns when all that was appended before can be read by an EventReader.
  [[nodiscard]] virtual Result<void> flush() = 0;

  [[nodiscard]] virtual EventSinkStats stats() const noexcept = 0;
};

class EventReader {
 public:
  virtual ~EventReader() = default;
  // Every event that carries this request id, oldest first; none is not an error.
  [[nodiscard]] virtual Result<std::vector<Event>> find(std::string_view request_id) const = 0;
};

}  // namespace davy
