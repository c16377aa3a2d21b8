#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/steady_timer.h"
#include "services/platform/storage/redis_connection.h"
#include "services/platform/storage/redis_options.h"
#include "services/platform/storage/redis_reply.h"
#include "services/platform/storage/redis_router.h"
#include "services/platform/storage/redis_stream.h"

namespace securebase::storage {

// What is sent to a node: a script, or a plain command, which nothing confirms.
struct RedisRequest {
  std::shared_ptr<const std::string> command;  // formatted
  const RedisScript* script = nullptr;         // whose call it is; null: a plain command
  bool asking = false;                         // the slot is still being moved to this node
};

struct RedisOutcome {
  enum class Kind {
    kAnswered,  // and confirmed; `reply` may be an error of kind kOther
    kRefused,   // the server did nothing; `error` says why
    kUnsent,    // no server has it: the node cannot be reached, or is no primary any more
    kUnknown,   // it was sent, and is not confirmed
    kLate,      // the deadline passed while it waited; it was not and will not be sent
  };
  Kind kind = Kind::kUnsent;
  RedisReply reply;            // of kAnswered and kRefused
  std::string replication_id;  // of kAnswered
  RedisError error;            // of kRefused
  absl::Status status;         // of kUnsent and kUnknown: why
};

// A primary, as calls see it: a queue, and connections with a thread each (lanes). A lane takes all
// calls that wait, sends them at once with the confirmation behind them, and completes them when
// everything is answered: so many callers share a round trip, the fsync of the server's event loop
// and the wait for its replicas. Connections are made when they are first needed.
class RedisNode {
 public:
  // What all nodes of a router share. It outlives them.
  struct Environment {
    RedisOptions options;
    RedisNodeCheck check;
    RedisStop stop;
    // Called on a lane's thread when the node may not be the primary any more.
    std::function<void()> trouble;
  };
  // A key for the confirmation to write to, in a slot that this node serves now. Called by lanes.
  using ConfirmKey = std::function<std::string()>;

  RedisNode(Environment& environment, RedisOptions::Address address, ConfirmKey confirm_key);
  ~RedisNode();  // as Retire, and waits for the lanes
  RedisNode(const RedisNode&) = delete;
  RedisNode& operator=(const RedisNode&) = delete;

  // Returns at `deadline` whatever the connections do.
  RedisOutcome Run(absl::Time deadline, RedisRequest request);

  // Takes no more calls. Those that wait are kUnsent, those that were sent are finished.
  void Retire();
  // After Retire: all lanes have ended, so that the destructor does not wait.
  bool Finished() const;

  const RedisOptions::Address& address() const { return address_; }
  RedisRouterStats stats() const;  // what is not a node's is 0

 private:
  enum class State { kQueued, kSent, kDone };
  struct Pending {
    RedisRequest request;
    State state = State::kQueued;
    RedisOutcome outcome;
    CondVar done;
  };
  using Group = std::vector<std::shared_ptr<Pending>>;

  void Lane();
  // Waits until a lane has something to do. False: it ends.
  bool AwaitWork(bool connected);
  std::unique_ptr<RedisConnection> Connect();
  void Disconnect(std::unique_ptr<RedisConnection>& connection);
  Group Take();
  // Sends the group and completes it. False: the connection is of no more use.
  bool Flush(RedisConnection& connection, Group group);
  // One round trip. Returns the calls whose script the server does not know: nothing of them was
  // done. All others are completed.
  Group Exchange(RedisConnection& connection, const Group& group, bool load_scripts, bool& usable);
  // Appends what confirms all before it, and returns how many replies that has.
  size_t AppendConfirmation(std::string& commands) const;
  // OK when all that the connection has done is as durable as the options ask for. `replies` are
  // those to AppendConfirmation.
  absl::Status CheckConfirmation(RedisConnection& connection, std::vector<RedisReply> replies,
                                 bool& usable);
  // One that can send at once, if there is one; for the calls that wait.
  void WakeLane() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailQueue(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Environment& environment_;
  const RedisOptions& options_;
  const RedisOptions::Address address_;
  const ConfirmKey confirm_key_;

  mutable Mutex mutex_;
  CondVar work_;                          // lanes with a connection wait for calls
  CondVar spare_;                         // lanes without one
  int idle_ ABSL_GUARDED_BY(mutex_) = 0;  // lanes that wait for work_
  std::deque<std::shared_ptr<Pending>> queue_ ABSL_GUARDED_BY(mutex_);
  RedisRouterStats stats_ ABSL_GUARDED_BY(mutex_);
  bool retired_ ABSL_GUARDED_BY(mutex_) = false;
  int lanes_ ABSL_GUARDED_BY(mutex_) = 0;  // that have not ended
  // After a connection could not be made.
  absl::Status last_failure_ ABSL_GUARDED_BY(mutex_);
  absl::Duration backoff_ ABSL_GUARDED_BY(mutex_);
  SteadyTimer until_next_attempt_ ABSL_GUARDED_BY(mutex_){absl::ZeroDuration()};

  std::vector<std::thread> threads_;
};

// `delay` made shorter or longer by up to a half, at random, so that many do not try at once.
absl::Duration Jittered(absl::Duration delay);

}  // namespace securebase::storage
