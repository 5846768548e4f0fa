// Oracle: what parses can be written again and parses to the same; what is an answer
// comes out of answer_line as it went in; nothing that parses breaks the line form.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mechanisms/store/order_lines.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace davy::store;
  const std::string text(data, data + size);
  if (const auto order = parse_order_line(text)) {
    check(!order->verb.empty() && order->verb.size() <= kMaxVerb);
    check(order->arguments.starts_with('{') && order->arguments.ends_with('}'));
    const auto line = order_line(order->verb, order->arguments);
    check(line.ok() && line->ends_with('\n') && line->find('\n') == line->size() - 1);
    const auto again = parse_order_line(std::string_view(*line).substr(0, line->size() - 1));
    check(again.ok() && again->verb == order->verb && again->arguments == order->arguments);
  } else {
    check(!order.error().message.empty());
  }
  if (const auto answer = parse_answer_line(text)) {
    const std::string line = answer_line(*answer);
    const auto again = parse_answer_line(std::string_view(line).substr(0, line.size() - 1));
    check(again.ok() && *again == *answer);
  }
  // Any text may stand in an error, and the line stays one line of JSON.
  const std::string line = answer_line(davy::invalid_input(text.substr(0, 1000)));
  check(line.find('\n') == line.size() - 1);
  check(!parse_answer_line(std::string_view(line).substr(0, line.size() - 1)).ok());
  return 0;
}
