// Oracle: whatever rows the log holds, the text has only printable lines, of which no row
// can add more than its own, and the JSON is one object with a finding for each row.
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "pillars/monitoring/evidence/why.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  std::vector<davy::Event> events;
  std::size_t findings = 0;
  for (const std::string_view line : davy::split(text, '\n')) {
    auto event = davy::event_from_json(line);
    if (!event) continue;
    if (event->sourcetype() == davy::Sourcetype::findings) ++findings;
    events.push_back(std::move(event).value());
  }
  const std::string told = davy::evidence::why_text(events);
  check(told.ends_with('\n'));
  std::size_t lines = 0;
  for (const char c : told) {
    const auto byte = static_cast<unsigned char>(c);
    check(c == '\n' || (byte >= 0x20 && byte != 0x7F));
    lines += c == '\n' ? 1 : 0;
  }
  check(lines <= 16 + 3 * findings);
  boost::json::error_code code;
  const auto json = boost::json::parse(davy::evidence::why_json(events), code);
  check(!code && json.is_object());
  check(json.at("findings").as_array().size() == findings);
  return 0;
}
