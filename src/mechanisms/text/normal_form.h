// The normal form of a text: what detectors compare, so that spelling tricks which a
// reader (or a model) does not notice do not hide a phrase.
//
// In this order, in one pass:
//  1. control characters (category Cc) that are no white space are taken out;
//  2. NFKC and full case folding with default-ignorable code points taken out (Unicode
//     NFKC_Casefold, from ICU 72 = Unicode 15): full-width letters, ligatures,
//     superscripts and upper case become plain small letters; zero-width characters, soft
//     hyphens, bidirectional controls, variation selectors and tag characters
//     (U+E0000..U+E0FFF) go;
//  3. each run of white space (property White_Space) becomes one space.
// An ill-formed byte becomes U+FFFD. The normal form of a normal form is itself.
//
// It does not undo look-alikes of other scripts (Cyrillic "а"), digits for letters or
// encodings.
//
// Time is linear. The normal form has at most 11 times the bytes of the text (U+FDFA).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace davy::text {

// Owns the buffers: keep one in a Scratch (`scratch.get<NormalForm>()`). Not thread-safe.
class NormalForm {
 public:
  // A stretch of the normal form and the bytes of the original that it came from. Pieces
  // are in order in both, without gaps in the normal form; bytes of the original between
  // two pieces were taken out.
  struct Piece {
    std::size_t normal_begin = 0;
    Span original;
    // Byte for byte but for case and white space. Otherwise the piece is one unit: all of it came
    // from all of `original`.
    bool verbatim = false;
  };

  // Replaces what this object held. Gives the normal form, valid until the next call;
  // `text` need not outlive the call.
  std::string_view assign(std::string_view text);

  [[nodiscard]] std::string_view text() const noexcept { return {buffer_.data(), size_}; }
  [[nodiscard]] std::size_t original_size() const noexcept { return original_size_; }
  [[nodiscard]] const std::vector<Piece>& pieces() const noexcept { return pieces_; }

  // The smallest span of the original from which all bytes of `normal` came. `normal`
  // must not be empty and must lie inside the normal form.
  [[nodiscard]] Span original(Span normal) const noexcept;

 private:
  friend class Normaliser;

  std::vector<char> buffer_;  // never shorter than size_
  std::size_t size_ = 0;
  std::size_t original_size_ = 0;
  std::vector<Piece> pieces_;
  std::string island_;
  std::string folded_;
  std::vector<Piece> island_pieces_;  // from island_ to the original
};

}  // namespace davy::text
