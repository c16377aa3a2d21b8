#include "services/platform/storage/redis_slot.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace securebase::storage {
namespace {

constexpr std::array<uint16_t, 256> MakeTable() {
  std::array<uint16_t, 256> table = {};
  for (unsigned i = 0; i < table.size(); ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
    table[i] = static_cast<uint16_t>(crc);
  }
  return table;
}
constexpr std::array<uint16_t, 256> kTable = MakeTable();

}  // namespace

uint16_t RedisCrc16(absl::string_view bytes) {
  unsigned crc = 0;
  for (const char c : bytes) {
    crc = ((crc << 8) & 0xffff) ^ kTable[(crc >> 8) ^ static_cast<unsigned char>(c)];
  }
  return static_cast<uint16_t>(crc);
}

int RedisSlotOf(absl::string_view key) {
  const size_t open = key.find('{');
  if (open != absl::string_view::npos) {
    const size_t close = key.find('}', open + 1);
    if (close != absl::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return RedisCrc16(key) % kRedisSlots;
}

std::vector<std::string> MakeRedisSlotTags() {
  std::vector<std::string> tags(kRedisSlots);
  int missing = kRedisSlots;
  for (int i = 0; missing > 0; ++i) {
    std::string tag = absl::StrCat(i);
    std::string& place = tags[static_cast<size_t>(RedisSlotOf(tag))];
    if (place.empty()) {
      place = std::move(tag);
      --missing;
    }
  }
  return tags;
}

}  // namespace securebase::storage
