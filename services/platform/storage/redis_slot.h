#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace securebase::storage {

// A Redis Cluster divides its keys into slots by a checksum (redis.io, "Redis cluster
// specification", Keys distribution model and Hash tags).
inline constexpr int kRedisSlots = 16384;

// CRC-16/XMODEM: polynomial 0x1021, initial value 0.
uint16_t RedisCrc16(absl::string_view bytes);

// Of what stands between the first '{' and the next '}', or of the whole key if that is nothing.
int RedisSlotOf(absl::string_view key);

// For each slot a hash tag that leads to it.
std::vector<std::string> MakeRedisSlotTags();

}  // namespace securebase::storage
