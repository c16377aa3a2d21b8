#include "services/platform/storage/redis_node.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/id.h"

namespace securebase::storage {
namespace {

constexpr size_t kMaxGroup = 256;
constexpr size_t kMaxGroupBytes = 4 << 20;
constexpr absl::Duration kMinBackoff = absl::Milliseconds(10);
constexpr absl::Duration kMaxBackoff = absl::Milliseconds(500);
constexpr int kConfirmTries = 3;

// Moves the replication offset, so that WAIT waits for replicas to receive something that was sent
// after the calls ran. The server has the key for no moment anybody could see. SET stays on the
// primary; DEL goes to the replicas, which have nothing to delete. So neither writes anything to
// its append-only file, and nobody waits for an fsync. allow-oom: reads go on when memory is full.
constexpr absl::string_view kConfirmScript =
    "#!lua flags=allow-oom\n"
    "redis.set_repl(redis.REPL_NONE)\n"
    "redis.call('SET', KEYS[1], '')\n"
    "redis.set_repl(redis.REPL_REPLICA)\n"
    "redis.call('DEL', KEYS[1])\n";

RedisOutcome Unsent(absl::Status status) {
  RedisOutcome outcome;
  outcome.kind = RedisOutcome::Kind::kUnsent;
  outcome.status = std::move(status);
  return outcome;
}

RedisOutcome Unknown(absl::Status status) {
  RedisOutcome outcome;
  outcome.kind = RedisOutcome::Kind::kUnknown;
  outcome.status = std::move(status);
  return outcome;
}

}  // namespace

absl::Duration Jittered(absl::Duration delay) {
  return delay * (0.5 + static_cast<unsigned char>(RandomBytes(1)[0]) / 255.0);
}

RedisNode::RedisNode(Environment& environment, RedisOptions::Address address,
                     ConfirmKey confirm_key)
    : environment_(environment),
      options_(environment.options),
      address_(std::move(address)),
      confirm_key_(std::move(confirm_key)),
      lanes_(environment.options.connections) {
  for (int i = 0; i < options_.connections; ++i) {
    threads_.emplace_back([this] { Lane(); });
  }
}

RedisNode::~RedisNode() {
  Retire();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

RedisOutcome RedisNode::Run(absl::Time deadline, RedisRequest request) {
  auto pending = std::make_shared<Pending>();
  pending->request = std::move(request);
  MutexLock lock(mutex_);
  if (retired_) {
    return Unsent(absl::UnavailableError("the primary has changed"));
  }
  // While a node is down its callers look elsewhere instead of waiting for the next attempt.
  if (stats_.connections == 0 && until_next_attempt_.Left() > absl::ZeroDuration()) {
    return Unsent(last_failure_);
  }
  queue_.push_back(pending);
  WakeLane();
  while (pending->state != State::kDone) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      if (pending->state == State::kSent) {
        return Unknown(absl::UnavailableError("the deadline passed before Redis answered"));
      }
      queue_.erase(std::find(queue_.begin(), queue_.end(), pending));
      RedisOutcome late;
      late.kind = RedisOutcome::Kind::kLate;
      return late;
    }
    pending->done.WaitFor(mutex_, left);
  }
  return std::move(pending->outcome);
}

void RedisNode::Retire() {
  MutexLock lock(mutex_);
  retired_ = true;
  FailQueue(absl::UnavailableError("the primary has changed"));
  work_.NotifyAll();
  spare_.NotifyAll();
}

bool RedisNode::Finished() const {
  MutexLock lock(mutex_);
  return lanes_ == 0;
}

RedisRouterStats RedisNode::stats() const {
  MutexLock lock(mutex_);
  RedisRouterStats stats = stats_;
  stats.queued = static_cast<int64_t>(queue_.size());
  return stats;
}

void RedisNode::WakeLane() {
  if (!queue_.empty()) {
    (idle_ > 0 ? work_ : spare_).NotifyOne();
  }
}

void RedisNode::FailQueue(const absl::Status& status) {
  for (const std::shared_ptr<Pending>& pending : queue_) {
    pending->outcome = Unsent(status);
    pending->state = State::kDone;
    pending->done.NotifyOne();
  }
  queue_.clear();
}

void RedisNode::Lane() {
  BlockSigpipe();
  std::unique_ptr<RedisConnection> connection;
  while (AwaitWork(connection != nullptr)) {
    // One that the server has closed meanwhile is noticed before anything is sent: then nothing is
    // in doubt.
    if (connection != nullptr && !connection->Usable()) {
      Disconnect(connection);
    }
    // Calls wait in the queue while this connects, where another lane may take them.
    if (connection == nullptr) {
      connection = Connect();
    }
    if (connection == nullptr) {
      continue;
    }
    Group group = Take();
    if (!group.empty() && !Flush(*connection, std::move(group))) {
      Disconnect(connection);
      MutexLock lock(mutex_);
      ++stats_.discarded;
    }
  }
  Disconnect(connection);
  MutexLock lock(mutex_);
  --lanes_;
}

bool RedisNode::AwaitWork(bool connected) {
  MutexLock lock(mutex_);
  while (!retired_) {
    if (connected) {
      if (!queue_.empty()) {
        return true;
      }
      ++idle_;
      work_.Wait(mutex_);
      --idle_;
    } else if (queue_.empty()) {
      spare_.Wait(mutex_);
    } else {
      const absl::Duration left = until_next_attempt_.Left();
      if (left <= absl::ZeroDuration()) {
        return true;
      }
      spare_.WaitFor(mutex_, left);
    }
  }
  return false;
}

std::unique_ptr<RedisConnection> RedisNode::Connect() {
  auto connection =
      RedisConnection::OpenPrimary(options_, address_, environment_.check,
                                   absl::Now() + options_.connect_timeout, environment_.stop);
  {
    MutexLock lock(mutex_);
    if (connection.ok()) {
      ++stats_.connects;
      ++stats_.connections;
      backoff_ = absl::ZeroDuration();
      return *std::move(connection);
    }
    ++stats_.failed_connects;
    backoff_ = std::clamp(2 * backoff_, kMinBackoff, kMaxBackoff);
    until_next_attempt_ = SteadyTimer(Jittered(backoff_));
    last_failure_ = connection.status();
    if (stats_.connections == 0) {
      FailQueue(last_failure_);
    } else {
      WakeLane();
    }
  }
  environment_.trouble();
  return nullptr;
}

void RedisNode::Disconnect(std::unique_ptr<RedisConnection>& connection) {
  if (connection != nullptr) {
    connection.reset();
    MutexLock lock(mutex_);
    --stats_.connections;
    WakeLane();  // the calls that this one was woken for
  }
}

RedisNode::Group RedisNode::Take() {
  MutexLock lock(mutex_);
  Group group;
  size_t bytes = 0;
  while (!queue_.empty() && group.size() < kMaxGroup && bytes < kMaxGroupBytes) {
    bytes += queue_.front()->request.command->size();
    queue_.front()->state = State::kSent;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

bool RedisNode::Flush(RedisConnection& connection, Group group) {
  bool usable = true;
  group = Exchange(connection, group, /*load_scripts=*/false, usable);
  if (!group.empty()) {
    group = Exchange(connection, group, /*load_scripts=*/true, usable);
  }
  if (!group.empty()) {
    // Somebody removed the scripts in the moment between two commands.
    MutexLock lock(mutex_);
    for (const std::shared_ptr<Pending>& pending : group) {
      pending->outcome.kind = RedisOutcome::Kind::kRefused;
      pending->outcome.error.kind = RedisError::Kind::kLater;
      pending->state = State::kDone;
      pending->done.NotifyOne();
    }
  }
  return usable;
}

RedisNode::Group RedisNode::Exchange(RedisConnection& connection, const Group& group,
                                     bool load_scripts, bool& usable) {
  std::string commands;
  size_t replies = 0;
  size_t confirmation = 0;
  std::vector<std::pair<size_t, size_t>> ends;  // of each call: bytes, and its reply's index
  std::set<const RedisScript*> loaded;
  for (const std::shared_ptr<Pending>& pending : group) {
    const RedisRequest& request = pending->request;
    if (load_scripts && request.script != nullptr && loaded.insert(request.script).second) {
      AppendRedisCommand({"SCRIPT", "LOAD", request.script->source}, commands);
      ++replies;
    }
    if (request.asking) {
      AppendRedisCommand({"ASKING"}, commands);
      ++replies;
    }
    commands += *request.command;
    ends.emplace_back(commands.size(), replies++);
  }
  const bool scripts = std::any_of(group.begin(), group.end(), [](const auto& pending) {
    return pending->request.script != nullptr;
  });
  if (scripts) {
    confirmation = AppendConfirmation(commands);
  }
  RedisConnection::Exchanged exchanged = connection.Exchange(
      commands, replies + confirmation, options_.reply_timeout + options_.confirm_timeout);
  absl::Status durable = exchanged.status;
  usable = durable.ok();
  if (durable.ok() && confirmation > 0) {
    std::vector<RedisReply> tail(
        std::make_move_iterator(exchanged.replies.begin() + static_cast<std::ptrdiff_t>(replies)),
        std::make_move_iterator(exchanged.replies.end()));
    durable = CheckConfirmation(connection, std::move(tail), usable);
  }

  Group unknown_script;
  bool trouble = !durable.ok();
  {
    MutexLock lock(mutex_);
    stats_.flushes += scripts ? 1 : 0;
    for (size_t i = 0; i < group.size(); ++i) {
      Pending& pending = *group[i];
      RedisOutcome& outcome = pending.outcome;
      const auto [end, index] = ends[i];
      const bool confirmed = durable.ok() || confirmation == 0 || pending.request.script == nullptr;
      if (index >= exchanged.replies.size()) {
        outcome = end > exchanged.sent ? Unsent(durable) : Unknown(durable);
      } else {
        RedisReply& reply = exchanged.replies[index];
        if (reply.kind == RedisReply::Kind::kError) {
          outcome.error = ParseRedisError(reply.text);
        }
        if (outcome.error.kind == RedisError::Kind::kNoScript && usable) {
          outcome = {};
          unknown_script.push_back(group[i]);
          continue;
        }
        if (outcome.error.kind != RedisError::Kind::kOther) {
          outcome.kind = RedisOutcome::Kind::kRefused;
          if (outcome.error.kind == RedisError::Kind::kNotPrimary) {
            trouble = true;
            usable = false;  // the next connection asks it again what it is
          }
        } else if (confirmed) {
          outcome.kind = RedisOutcome::Kind::kAnswered;
          outcome.replication_id = connection.replication_id();
          stats_.calls += pending.request.script != nullptr ? 1 : 0;
        } else {
          outcome = Unknown(durable);
        }
        outcome.reply = std::move(reply);
      }
      pending.state = State::kDone;
      pending.done.NotifyOne();
    }
  }
  if (trouble) {
    environment_.trouble();
  }
  return unknown_script;
}

size_t RedisNode::AppendConfirmation(std::string& commands) const {
  switch (options_.durability) {
    case RedisDurability::kLocal:
      return 0;
    case RedisDurability::kReplicated:
      AppendRedisCommand({"EVAL", kConfirmScript, "1", confirm_key_()}, commands);
      AppendRedisCommand({"WAIT", absl::StrCat(options_.replicas),
                          absl::StrCat(absl::ToInt64Milliseconds(options_.confirm_timeout))},
                         commands);
      return 2;
    case RedisDurability::kRelaxed:
      AppendRedisCommand({"INFO", "replication"}, commands);
      return 1;
  }
  return 0;
}

absl::Status RedisNode::CheckConfirmation(RedisConnection& connection,
                                          std::vector<RedisReply> replies, bool& usable) {
  if (options_.durability == RedisDurability::kRelaxed) {
    // After a failover the calls may have run on a history that goes on elsewhere.
    const absl::StatusOr<std::string> id = ReplicationIdOfPrimary(replies[0]);
    usable = id.ok() && *id == connection.replication_id();
    return usable ? absl::OkStatus() : absl::UnavailableError("the primary has changed");
  }
  // A slot that is just being moved takes no new key: then another one of this node's serves.
  for (int i = 1; i < kConfirmTries && replies[0].kind == RedisReply::Kind::kError; ++i) {
    const RedisError::Kind kind = ParseRedisError(replies[0].text).kind;
    if (kind != RedisError::Kind::kMoved && kind != RedisError::Kind::kAsk) {
      break;
    }
    std::string commands;
    const size_t count = AppendConfirmation(commands);
    RedisConnection::Exchanged again =
        connection.Exchange(commands, count, options_.reply_timeout + options_.confirm_timeout);
    if (!again.status.ok()) {
      usable = false;
      return again.status;
    }
    replies = std::move(again.replies);
  }
  for (const RedisReply& reply : replies) {
    if (reply.kind == RedisReply::Kind::kError) {
      return absl::UnavailableError(absl::StrCat("cannot confirm: ", reply.text));
    }
  }
  if (replies[1].integer < options_.replicas) {
    MutexLock lock(mutex_);
    ++stats_.short_confirmations;
    return absl::UnavailableError(
        absl::StrCat(replies[1].integer, " of ", options_.replicas, " replicas confirmed in time"));
  }
  return absl::OkStatus();
}

}  // namespace securebase::storage
