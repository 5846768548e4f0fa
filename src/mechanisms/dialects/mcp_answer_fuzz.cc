#include "mechanisms/dialects/fuzz_oracles.h"
#include "mechanisms/dialects/mcp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return davy::dialects::fuzz_answer(davy::dialects::mcp(), 0, data, size);
}
