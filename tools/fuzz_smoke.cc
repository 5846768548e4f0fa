// Runs a fuzzer without libFuzzer: every file of a corpus folder, then seeded
// mutations of them, bounded in count. So each build, with any compiler and any
// sanitizer, exercises each fuzzer's oracle.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr int kMutations = 3000;
constexpr std::size_t kMaxInput = 1 << 14;

void run(const std::string& input) {
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::string mutate(const std::vector<std::string>& corpus, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  std::string text = corpus[below(corpus.size())];
  const std::size_t changes = 1 + below(4);
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t at = below(text.size() + 1);
    switch (below(5)) {
      case 0: text.insert(at, 1, static_cast<char>(below(256))); break;
      case 1:
        if (!text.empty()) text.erase(below(text.size()), 1 + below(4));
        break;
      case 2:
        if (!text.empty()) text[below(text.size())] = static_cast<char>(below(256));
        break;
      case 3: {
        const std::string& other = corpus[below(corpus.size())];
        text.insert(at, other.substr(below(other.size() + 1), below(32)));
        break;
      }
      default: text.resize(below(text.size() + 1)); break;
    }
  }
  if (text.size() > kMaxInput) text.resize(kMaxInput);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> corpus;
  if (argc > 1 && std::filesystem::is_directory(argv[1])) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
      std::ifstream in(file, std::ios::binary);
      corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no corpus in %s: a fuzzer without seeds proves little\n",
                 argc > 1 ? argv[1] : "(no folder given)");
    return 1;
  }
  const char* seed_text = std::getenv("DAVY_FUZZ_SEED");
  const std::uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : 1;
  std::mt19937_64 random(seed);
  for (const std::string& input : corpus) run(input);
  for (int i = 0; i < kMutations; ++i) run(mutate(corpus, random));
  std::printf("%zu seeds and %d mutations held (seed %llu)\n", corpus.size(), kMutations,
              static_cast<unsigned long long>(seed));
  return 0;
}
