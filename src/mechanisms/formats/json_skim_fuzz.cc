// Oracle: what an Index reads, a Skim goes through to its end, with the same keys and
// scalars, whatever it skips; a key with an escape ends it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mechanisms/formats/json_index.h"
#include "mechanisms/formats/json_skim.h"

namespace {

using davy::json::Index;
using davy::json::Kind;
using davy::json::kNoNode;
using davy::json::NodeId;
using davy::json::Skim;

void require(bool condition) {
  if (!condition) std::abort();
}

// False: the skim ended at a key with an escape.
bool walk(Skim& skim, const Index& index, NodeId id) {
  const auto& node = index[id];
  const bool container = node.kind == Kind::object || node.kind == Kind::array;
  if (node.begin % 3 == 0) {
    skim.skip();
    return true;
  }
  if (!container) {
    if (node.kind == Kind::number && node.begin % 2 == 0) {
      require(skim.whole_number() == index.whole_number(id));
    } else {
      require(skim.scalar() == index.raw(id));
    }
    return true;
  }
  require(!skim.scalar());
  const bool object = node.kind == Kind::object;
  require(object ? skim.enter_object() : skim.enter_array());
  std::string_view key;
  for (NodeId child = index.first_child(id); child != kNoNode; child = index[child].next) {
    if (index[child].key_has_escapes) {
      require(!skim.next_member(key));
      return false;
    }
    require(object ? skim.next_member(key) : skim.next_element());
    if (object) require(key == davy::slice(index.source(), index[child].key_span()));
    if (!walk(skim, index, child)) return false;
  }
  require(!(object ? skim.next_member(key) : skim.next_element()));
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static Index index;
  if (!index.parse(text)) {
    // Whatever it is, going through it ends.
    Skim skim(text);
    skim.skip();
    return 0;
  }
  Skim skim(text);
  require(walk(skim, index, 0) == skim.done());
  return 0;
}
