#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/redis_router.h"

struct redisReader;

// Redis' protocol: hiredis formats and parses, with limits on what a server may make us allocate.
namespace securebase::storage {

// Appends the command as a server reads it.
void AppendRedisCommand(const std::vector<absl::string_view>& words, std::string& out);

// Takes a stream of bytes apart into replies. After an error it is of no more use.
class RedisReplyReader {
 public:
  static constexpr size_t kMaxBytes = 64 << 20;    // of one reply
  static constexpr size_t kMaxElements = 1 << 18;  // of one reply, at all depths together

  RedisReplyReader();
  ~RedisReplyReader();
  RedisReplyReader(const RedisReplyReader&) = delete;
  RedisReplyReader& operator=(const RedisReplyReader&) = delete;

  // UNAVAILABLE when a limit is exceeded.
  absl::Status Feed(absl::string_view bytes);
  // The next whole reply; nullopt: more bytes are needed. UNAVAILABLE: this is not the protocol.
  absl::StatusOr<std::optional<RedisReply>> Next();
  // No byte is left over.
  bool Empty() const;

 private:
  struct Deleter {
    void operator()(redisReader* reader) const;
  };
  size_t elements_ = 0;  // of the reply that is being read
  std::unique_ptr<redisReader, Deleter> reader_;
};

// What to do about an error reply.
struct RedisError {
  enum class Kind {
    kMoved,       // the slot's primary is at `address`
    kAsk,         // the slot is on its way to `address`, and with it the keys of this call
    kNoScript,    // nothing was done; load the script
    kNotPrimary,  // nothing was done; look for the primary anew
    kLater,       // nothing was done; it may be done soon
    kFull,        // nothing was done; an operator must make room
    kOther,
  };
  Kind kind = Kind::kOther;
  int slot = 0;                   // of kMoved and kAsk
  RedisOptions::Address address;  // of kMoved and kAsk; an empty host: the one that answered
};
RedisError ParseRedisError(absl::string_view text);

// The value of "name:value" in a reply to INFO; empty without one.
absl::string_view RedisInfoField(absl::string_view info, absl::string_view name);

}  // namespace securebase::storage
