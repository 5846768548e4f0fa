// Oracle: Boost.Beast reads the same out of every answer that we accept; the known
// differences are listed in beast_for_tests.h.
//
// Input: byte 0 says whether the request was HEAD (bit 0) and whether the connection
// ends (bit 1); the rest is the stream.
#include <cstdint>
#include <string>

#include "mechanisms/net/http1/beast_for_tests.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string stream(data + 1, data + size);
  davy::http1::for_tests::compare_stream_with_beast<false>(stream, (data[0] & 2U) != 0,
                                                           (data[0] & 1U) != 0);
  return 0;
}
