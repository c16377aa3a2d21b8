// What a Redis server may send: replies, and what we read out of them.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "services/platform/storage/redis_connection.h"
#include "services/platform/storage/redis_reply.h"
#include "services/platform/storage/redis_slot.h"
#include "services/platform/storage/redis_topology.h"
#include "tests/fuzz/check.h"

namespace securebase::storage {
namespace {

struct Read {
  std::vector<RedisReply> replies;
  bool failed = false;
};

Read ReadInSteps(absl::string_view bytes, size_t step) {
  RedisReplyReader reader;
  Read read;
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, step);
    bytes.remove_prefix(part.size());
    if (!reader.Feed(part).ok()) {
      read.failed = true;
      return read;
    }
    while (true) {
      auto next = reader.Next();
      if (!next.ok()) {
        read.failed = true;
        return read;
      }
      if (!next->has_value()) {
        break;
      }
      read.replies.push_back(**std::move(next));
    }
  }
  return read;
}

size_t CountOf(const RedisReply& reply) {
  size_t count = reply.elements.size();
  for (const RedisReply& element : reply.elements) {
    count += CountOf(element);
  }
  return count;
}

void CheckReply(const RedisReply& reply) {
  FUZZ_CHECK(CountOf(reply) <= RedisReplyReader::kMaxElements);
  const RedisError error = ParseRedisError(reply.text);
  if (error.kind == RedisError::Kind::kMoved || error.kind == RedisError::Kind::kAsk) {
    FUZZ_CHECK(error.slot >= 0 && error.slot < kRedisSlots);
    FUZZ_CHECK(error.address.port > 0 && error.address.port <= 65535);
  }
  const auto primaries = ParseClusterSlots(reply, {"127.0.0.1", 6379});
  if (primaries.ok()) {
    FUZZ_CHECK(primaries->slots.size() == static_cast<size_t>(kRedisSlots));
    for (const int16_t index : primaries->slots) {
      FUZZ_CHECK(index == RedisPrimaries::kNobody ||
                 static_cast<size_t>(index) < primaries->addresses.size());
    }
  }
  const auto id = ReplicationIdOfPrimary(reply);
  FUZZ_CHECK(!id.ok() || !id->empty());
}

}  // namespace
}  // namespace securebase::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using securebase::storage::Read;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const Read whole = securebase::storage::ReadInSteps(input, input.size());
  const Read bytes = securebase::storage::ReadInSteps(input, 1);
  FUZZ_CHECK(whole.replies.size() == bytes.replies.size() && whole.failed == bytes.failed);
  for (size_t i = 0; i < whole.replies.size(); ++i) {
    const auto& a = whole.replies[i];
    const auto& b = bytes.replies[i];
    FUZZ_CHECK(a.kind == b.kind && a.text == b.text && a.integer == b.integer &&
               a.elements.size() == b.elements.size());
    securebase::storage::CheckReply(a);
  }
  return 0;
}
