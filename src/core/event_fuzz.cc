// Oracle: what can be read is written and read again to the same event, and writing that
// gives the same bytes. Raw text as a field's value survives the way too.
#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"
#include "core/event.h"

namespace {

using davy::Event;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "event_fuzz: %s\n", what);
  std::abort();
}

void round_trip(const Event& event) {
  std::string written;
  append_json(written, event);
  require(!davy::first_invalid_utf8(written), "what was written is no UTF-8");
  require(written.find('\n') == std::string::npos, "what was written has a line end");
  const auto again = davy::event_from_json(written);
  require(again.ok(), "what was written cannot be read");
  require(again->sourcetype() == event.sourcetype(), "the source type changed");
  require(again->time() == event.time(), "the time changed");
  require(again->fields() == event.fields(), "a field changed");
  std::string twice;
  append_json(twice, *again);
  require(twice == written, "writing again gives other bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto event = davy::event_from_json(text);
  if (event.ok()) {
    round_trip(*event);
  } else {
    require(!event.error().message.empty(), "an error without a message");
  }
  Event made(davy::Sourcetype::findings, davy::WallTime(std::chrono::microseconds(size)));
  made.set(davy::Field::evidence, text);
  round_trip(made);
  return 0;
}
