#include "core/scratch.h"

#include <gtest/gtest.h>

#include <string>

namespace davy {
namespace {

struct Buffer {
  std::string text = "fresh";
};
struct Other {
  int number = 0;
};

TEST(Scratch, GivesOneObjectAType) {
  Scratch scratch;
  Buffer& buffer = scratch.get<Buffer>();
  EXPECT_EQ(buffer.text, "fresh");
  buffer.text = "used";
  scratch.get<Other>().number = 4;
  EXPECT_EQ(&scratch.get<Buffer>(), &buffer) << "a reference stays when more types come";
  EXPECT_EQ(scratch.get<Buffer>().text, "used");
  EXPECT_EQ(scratch.get<Other>().number, 4);
}

TEST(Scratch, TwoDoNotShare) {
  Scratch one;
  Scratch two;
  one.get<Buffer>().text = "used";
  EXPECT_EQ(two.get<Buffer>().text, "fresh");
}

TEST(Scratch, EndsWhatItMade) {
  struct Counted {
    int* ended = nullptr;
    ~Counted() {
      if (ended != nullptr) ++*ended;
    }
  };
  int ended = 0;
  {
    Scratch scratch;
    scratch.get<Counted>().ended = &ended;
  }
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace davy
