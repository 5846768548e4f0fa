#include "mechanisms/text/literal_database.h"

#include <hs/hs.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>
#include <vector>

namespace davy::text {
namespace {

// The matcher's working memory of one thread; it grows to fit every database it has met.
class MatcherScratch {
 public:
  MatcherScratch() = default;
  MatcherScratch(const MatcherScratch&) = delete;
  MatcherScratch& operator=(const MatcherScratch&) = delete;
  ~MatcherScratch() { hs_free_scratch(scratch_); }

  [[nodiscard]] hs_scratch_t* fit(const hs_database_t* database, std::uint64_t serial) {
    if (std::find(met_.begin(), met_.end(), serial) == met_.end()) {
      if (hs_alloc_scratch(database, &scratch_) != HS_SUCCESS) return nullptr;
      if (met_.size() >= kRemembered) met_.erase(met_.begin());
      met_.push_back(serial);
    }
    return scratch_;
  }

 private:
  // Forgetting costs only that Vectorscan is asked again.
  static constexpr std::size_t kRemembered = 32;
  hs_scratch_t* scratch_ = nullptr;
  std::vector<std::uint64_t> met_;
};

using Hit = std::function<bool(std::size_t, std::size_t)>;

struct Call {
  const Hit* hit;
  std::size_t base;  // of the block in the text
  std::size_t skip;  // ends up to here were reported with the block before
  bool stopped = false;
};

int on_match(unsigned int id, unsigned long long, unsigned long long to, unsigned int,
             void* context) {
  auto& call = *static_cast<Call*>(context);
  if (to <= call.skip) return 0;
  if ((*call.hit)(id, call.base + to)) return 0;
  call.stopped = true;
  return 1;
}

// Vectorscan counts in 32 bits; larger texts go in blocks that overlap by the longest literal.
constexpr std::size_t kBlock = std::size_t{1} << 30;

}  // namespace

struct LiteralDatabase::Database {
  hs_database_t* database = nullptr;
  std::uint64_t serial = 0;
  std::size_t longest = 0;

  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { hs_free_database(database); }
};

LiteralDatabase::LiteralDatabase(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}
LiteralDatabase::LiteralDatabase(LiteralDatabase&&) noexcept = default;
LiteralDatabase& LiteralDatabase::operator=(LiteralDatabase&&) noexcept = default;
LiteralDatabase::~LiteralDatabase() = default;

Result<LiteralDatabase> LiteralDatabase::compile(std::span<const Literal> literals) {
  if (literals.empty()) return invalid_input("no literal to search for");
  if (hs_valid_platform() != HS_SUCCESS) {
    return unavailable("the processor lacks SSE4.2, which text matching needs");
  }
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  auto made = std::make_unique<Database>();
  for (const Literal& literal : literals) {
    if (literal.bytes.empty()) {
      return invalid_input("literal " + std::to_string(ids.size()) + " is empty");
    }
    texts.push_back(literal.bytes.data());
    sizes.push_back(literal.bytes.size());
    flags.push_back(literal.any_case ? HS_FLAG_CASELESS : 0U);
    ids.push_back(static_cast<unsigned>(ids.size()));
    made->longest = std::max(made->longest, literal.bytes.size());
  }
  hs_compile_error_t* error = nullptr;
  const hs_error_t status = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(),
                                                 sizes.data(), static_cast<unsigned>(texts.size()),
                                                 HS_MODE_BLOCK, nullptr, &made->database, &error);
  if (status != HS_SUCCESS) {
    // The message names no content: literals may be keys of a configuration, not secrets,
    // but there is no need.
    Error failed = invalid_input(std::string("the literals do not compile: ") +
                                 (error != nullptr ? error->message : "out of memory"));
    hs_free_compile_error(error);
    return failed;
  }
  static std::atomic<std::uint64_t> serials{0};
  made->serial = ++serials;
  return LiteralDatabase(std::move(made));
}

Result<void> LiteralDatabase::search(std::string_view text, Scratch& scratch,
                                     const Hit& hit) const {
  hs_scratch_t* memory = scratch.get<MatcherScratch>().fit(database_->database, database_->serial);
  if (memory == nullptr) return internal_error("no memory for text matching");
  const std::size_t overlap = database_->longest - 1;
  Call call{&hit, 0, 0};
  std::size_t begin = 0;
  while (true) {
    const std::size_t size = std::min(kBlock, text.size() - begin);
    call.base = begin;
    const hs_error_t status = hs_scan(database_->database, text.data() + begin,
                                      static_cast<unsigned>(size), 0, memory, on_match, &call);
    if (call.stopped) return {};
    if (status != HS_SUCCESS) {
      return internal_error("text matching failed with status " + std::to_string(status));
    }
    if (begin + size == text.size()) return {};
    begin += size - overlap;
    call.skip = overlap;
  }
}

}  // namespace davy::text
