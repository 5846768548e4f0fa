// Oracle: what parses is written again as the same manifest; all else is an error with a text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mechanisms/store/upkeep/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace davy::store;
  const std::string text(data, data + size);
  const auto parsed = parse_manifest(text);
  if (!parsed) {
    if (parsed.error().message.empty()) std::abort();
    return 0;
  }
  const std::string written = manifest_json(*parsed);
  const auto again = parse_manifest(written);
  if (!again || manifest_json(*again) != written || again->files != parsed->files) std::abort();
  if (again->facts.format != parsed->facts.format) std::abort();
  return 0;
}
