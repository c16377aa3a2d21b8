// Runs a fuzz target over its corpus and over mutations of it, the same ones each time. It ends
// abnormally when the target does.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutationsPerFile = 500;
constexpr size_t kMaxSize = 1 << 16;

// SplitMix64 (Steele, Lea, Flood 2014): small, and the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t Below(size_t limit) { return limit == 0 ? 0 : Next() % limit; }

 private:
  uint64_t state_;
};

// One to four small changes; `other` gives pieces to splice in.
std::string Mutate(std::string input, const std::string& other, Random& random) {
  constexpr char kSpecial[] = {'\0', '\xff', '\x7f', '\x80', '.', '/', '"', '{', '}', '\\', '\n'};
  for (size_t changes = 1 + random.Below(4); changes > 0; --changes) {
    const size_t at = random.Below(input.size() + 1);
    const size_t length = random.Below(input.size() - at + 1);
    switch (random.Below(6)) {
      case 0:
        if (at < input.size()) {
          input[at] = static_cast<char>(input[at] ^ (1 << random.Below(8)));
        }
        break;
      case 1:
        input.insert(at, 1, kSpecial[random.Below(sizeof(kSpecial))]);
        break;
      case 2:
        input.erase(at, length);
        break;
      case 3:
        input.insert(at, input.substr(at, length));
        break;
      case 4:
        input.resize(at);
        break;
      default: {
        const size_t from = random.Below(other.size() + 1);
        input.insert(at, other.substr(from, random.Below(64)));
      }
    }
    if (input.size() > kMaxSize) {
      input.resize(kMaxSize);
    }
  }
  return input;
}

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1], error)) {
    paths.push_back(entry.path());
  }
  if (error || paths.empty()) {
    fprintf(stderr, "%s: no corpus\n", argv[1]);
    return 1;
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    // Named before it runs, so that a crash says where it was.
    fprintf(stderr, "%s\n", path.filename().c_str());
    Run(inputs.back());
  }
  Run("");
  Random random(inputs.size());
  for (const std::string& input : inputs) {
    for (int i = 0; i < kMutationsPerFile; ++i) {
      Run(Mutate(input, inputs[random.Below(inputs.size())], random));
    }
  }
  fprintf(stderr, "%zu inputs and %zu mutations\n", inputs.size(),
          inputs.size() * kMutationsPerFile);
  return 0;
}
