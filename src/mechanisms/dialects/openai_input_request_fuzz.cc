#include "mechanisms/dialects/fuzz_oracles.h"
#include "mechanisms/dialects/openai.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace davy::dialects;
  constexpr OpenAiOperation kOperations[] = {kOpenAiCompletions, kOpenAiNumbers, kOpenAiMedia};
  const OpenAiOperation operation = kOperations[size % 3];
  return fuzz_request(openai(), operation, data, size);
}
