#include "mechanisms/dialects/anthropic.h"
#include "mechanisms/dialects/fuzz_oracles.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return davy::dialects::fuzz_request(davy::dialects::anthropic(), 0, data, size);
}
