#include "mechanisms/dialects/fuzz_oracles.h"
#include "mechanisms/dialects/openai.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace davy::dialects;
  return fuzz_answer(openai(), kOpenAiNumbers, data, size);
}
