// Oracle: Boost.Beast reads the same out of every request that we accept; the known
// differences are listed in beast_for_tests.h.
#include <cstdint>
#include <string>

#include "mechanisms/net/http1/beast_for_tests.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string stream(data, data + size);
  davy::http1::for_tests::compare_stream_with_beast<true>(stream, false, false);
  return 0;
}
