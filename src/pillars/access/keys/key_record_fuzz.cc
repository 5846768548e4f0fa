// Oracle: a record that is read is written and read again as the same, and a date that
// is read is written as it was.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "pillars/access/keys/key_record.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace davy::access;
  const std::string text(data, data + size);
  if (const auto record = key_record_from_json(text)) {
    const std::string written = to_json(*record);
    const auto again = key_record_from_json(written);
    check(again.ok() && to_json(*again) == written);
    check(again->expires == record->expires && again->revoked == record->revoked);
  } else {
    check(!record.error().message.empty());
  }
  const std::string date = text.substr(0, 10);
  if (const auto day = parse_date(date)) check(date_text(*day) == date);
  return 0;
}
