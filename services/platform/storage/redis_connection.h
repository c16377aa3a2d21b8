#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/redis_reply.h"
#include "services/platform/storage/redis_router.h"
#include "services/platform/storage/redis_stream.h"

namespace securebase::storage {

// A connection to a server or a sentinel. One thread at a time. Errors of its functions are
// UNAVAILABLE, DEADLINE_EXCEEDED or CANCELLED (stopped), FAILED_PRECONDITION for what an operator
// must change; after one the connection must be dropped: answers may still be on their way.
class RedisConnection {
 public:
  // A sentinel may have no password, or another one than its nodes: kOffered goes on all the same.
  enum class Login { kRequired, kOffered };
  // Connects and, with a password, authenticates. `stop` must outlive the connection.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const RedisOptions& options,
                                                               const RedisOptions::Address& address,
                                                               Login login, absl::Time deadline,
                                                               const RedisStop& stop);
  // Connects to the node that is to serve: it says itself that it is a primary, its database is
  // selected, and `check` is content (its error is returned as it is).
  static absl::StatusOr<std::unique_ptr<RedisConnection>> OpenPrimary(
      const RedisOptions& options, const RedisOptions::Address& address,
      const RedisNodeCheck& check, absl::Time deadline, const RedisStop& stop);

  // What came of an exchange. With an error the replies are those that came before it.
  struct Exchanged {
    absl::Status status;
    size_t sent = 0;  // bytes; a server cannot have seen more of what was to be sent
    std::vector<RedisReply> replies;
  };
  // Sends commands and reads that many replies, both at once. Gives up when nothing has moved for
  // `silence`.
  Exchanged Exchange(absl::string_view commands, size_t replies, absl::Duration silence);

  // One command. The reply may be kError.
  absl::StatusOr<RedisReply> Run(const std::vector<absl::string_view>& words, absl::Time deadline);

  // False when the server has closed it, or has sent what nobody asked for.
  bool Usable();

  const std::string& replication_id() const { return replication_id_; }

 private:
  explicit RedisConnection(std::unique_ptr<RedisStream> stream) : stream_(std::move(stream)) {}
  Exchanged Exchange(absl::string_view commands, size_t replies, absl::Duration silence,
                     absl::Time deadline);
  // Reads what is there into `replies`; true if there was something.
  absl::StatusOr<bool> ReadSome(std::vector<RedisReply>& replies);
  absl::Status Authenticate(const RedisOptions& options, Login login, absl::Time deadline);
  absl::Status BecomeReady(const RedisOptions& options, absl::Time deadline);

  const std::unique_ptr<RedisStream> stream_;
  RedisReplyReader reader_;
  std::string replication_id_;
};

// The replication id in a primary's reply to INFO replication. UNAVAILABLE when it says
// that it is none.
absl::StatusOr<std::string> ReplicationIdOfPrimary(const RedisReply& info);

}  // namespace securebase::storage
