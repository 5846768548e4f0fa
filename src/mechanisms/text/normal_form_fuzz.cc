// Oracles: the normal form is a fixed point; the map is ordered, covers every byte of the
// normal form and stays inside the text; normalising what a span came from gives the span.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mechanisms/text/normal_form.h"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  davy::text::NormalForm form;
  const std::string once(form.assign(text));
  require(once.size() <= 11 * text.size());
  require(!davy::first_invalid_utf8(once).has_value());

  std::size_t normal = 0;
  std::size_t original = 0;
  const auto& pieces = form.pieces();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto& piece = pieces[i];
    const std::size_t next = i + 1 < pieces.size() ? pieces[i + 1].normal_begin : once.size();
    require(piece.normal_begin == normal && next > normal);
    require(piece.original.begin >= original && piece.original.end > piece.original.begin);
    require(piece.original.end <= text.size());
    if (piece.verbatim) {
      require(next - normal == piece.original.size());
    } else {
      // A unit by itself gives itself; a space may have folded into the one before.
      davy::text::NormalForm part;
      const std::string_view again = part.assign(davy::slice(text, piece.original));
      const std::string_view unit = std::string_view(once).substr(normal, next - normal);
      require(again == unit || again == " " + std::string(unit));
    }
    normal = next;
    original = piece.original.end;
  }
  require(normal == once.size());

  davy::text::NormalForm again;
  require(again.assign(once) == once);
  return 0;
}
