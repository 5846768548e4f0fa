#include "mechanisms/dialects/fuzz_oracles.h"
#include "mechanisms/dialects/kserve.h"

// The first byte chooses the operation.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  return davy::dialects::fuzz_stream(davy::dialects::kserve(), data[0] & 1, data + 1, size - 1);
}
