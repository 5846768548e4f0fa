#include "mechanisms/dialects/fuzz_oracles.h"
#include "mechanisms/dialects/predict.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return davy::dialects::fuzz_request(davy::dialects::predict(), 0, data, size);
}
