#include "services/platform/storage/redis_router.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/auth/tls_files.h"
#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/base/steady_timer.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/redis_node.h"
#include "services/platform/storage/redis_slot.h"
#include "services/platform/storage/redis_stream.h"
#include "services/platform/storage/redis_topology.h"

namespace securebase::storage {
namespace {

// Between the attempts of one call.
constexpr absl::Duration kMinDelay = absl::Milliseconds(2);
constexpr absl::Duration kMaxDelay = absl::Milliseconds(100);
// What is left of a call's time when it is last tried again, at most.
constexpr absl::Duration kTimeToAnswer = absl::Milliseconds(250);
// Redirections that are followed at once; two nodes may point at each other for a while.
constexpr int kQuickRedirects = 5;
// Between two searches for the primaries; the longer one while they find nothing new.
constexpr absl::Duration kMinPause = absl::Milliseconds(25);
constexpr absl::Duration kMaxPause = absl::Seconds(1);
// What a refused call may hope for.
constexpr absl::Duration kRetryAfter = absl::Milliseconds(200);

constexpr absl::string_view kConfirmName = "?";

using Address = RedisOptions::Address;
using NodePtr = std::shared_ptr<RedisNode>;

absl::Status Unavailable(const absl::Status& why) {
  return StoreUnavailableError(why.message(), kRetryAfter);
}

RedisRequest PlainRequest(const std::vector<std::string>& command) {
  std::string formatted;
  AppendRedisCommand({command.begin(), command.end()}, formatted);
  RedisRequest request;
  request.command = std::make_shared<const std::string>(std::move(formatted));
  return request;
}

RedisRequest ScriptRequest(const RedisCall& call) {
  const std::string count = absl::StrCat(call.keys.size());
  std::vector<absl::string_view> words = {"EVALSHA", call.script->sha1, count};
  words.insert(words.end(), call.keys.begin(), call.keys.end());
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  std::string formatted;
  AppendRedisCommand(words, formatted);
  RedisRequest request;
  request.command = std::make_shared<const std::string>(std::move(formatted));
  request.script = call.script;
  return request;
}

void AddStats(const RedisRouterStats& more, RedisRouterStats& sum) {
  sum.calls += more.calls;
  sum.flushes += more.flushes;
  sum.connects += more.connects;
  sum.failed_connects += more.failed_connects;
  sum.discarded += more.discarded;
  sum.short_confirmations += more.short_confirmations;
  sum.queued += more.queued;
  sum.connections += more.connections;
}

class Router final : public RedisRouter {
 public:
  Router(const RedisOptions& options, RedisNodeCheck check)
      : options_(options), cluster_(options.topology == RedisOptions::Topology::kCluster) {
    environment_.options = options;
    environment_.check = std::move(check);
    environment_.trouble = [this] { Search(std::nullopt); };
    if (cluster_) {
      slot_tags_ = MakeRedisSlotTags();
    }
    serving_.resize(cluster_ ? kRedisSlots : 1);
  }
  ~Router() override { Close(); }

  // Finds the primaries and connects to them.
  absl::Status Start() {
    if (environment_.stop.fd() < 0) {
      return absl::UnavailableError("no file descriptor is left");
    }
    {
      MutexLock lock(mutex_);
      searcher_ = std::thread([this] { SearchLoop(); });
      while (!first_search_.has_value()) {
        changed_.Wait(mutex_);
      }
      SB_RETURN_IF_ERROR(*first_search_);
    }
    absl::Status unreachable;
    bool reached = false;
    for (const NodePtr& node : Primaries()) {
      const RedisOutcome outcome =
          node->Run(absl::Now() + 2 * options_.connect_timeout, PlainRequest({"PING"}));
      if (outcome.kind == RedisOutcome::Kind::kAnswered ||
          outcome.kind == RedisOutcome::Kind::kRefused) {
        reached = true;
        continue;
      }
      unreachable = outcome.status;
      if (!unreachable.ok() && !absl::IsUnavailable(unreachable) &&
          !absl::IsDeadlineExceeded(unreachable)) {
        return unreachable;
      }
      if (unreachable.ok() || absl::IsDeadlineExceeded(unreachable)) {
        unreachable = absl::UnavailableError(absl::StrCat(
            "Redis at ", FormatRedisAddress(node->address()), " does not answer in time"));
      }
    }
    return reached ? absl::OkStatus() : unreachable;
  }

  absl::StatusOr<RedisAnswer> Run(const Context& context, const RedisCall& call) override {
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    const absl::Time begin = absl::Now();
    const absl::Time deadline = std::min(context.deadline, begin + options_.patience);
    // Nothing is tried again so late that the caller would hear of the deadline and not of Redis.
    const absl::Time last_retry = deadline - std::min((deadline - begin) / 10, kTimeToAnswer);
    RedisRequest request = ScriptRequest(call);
    Attempts attempts;
    attempts.slot = cluster_ ? static_cast<size_t>(RedisSlotOf(call.keys[0])) : 0;
    for (absl::Duration delay = kMinDelay;;) {
      SB_ASSIGN_OR_RETURN(NodePtr node, NodeOf(attempts.slot));
      request.asking = attempts.asked != nullptr;
      if (attempts.asked != nullptr) {
        node = std::exchange(attempts.asked, nullptr);
      }
      bool at_once = false;
      if (node == nullptr) {
        Search(std::nullopt);
      } else {
        RedisOutcome outcome = node->Run(deadline, request);
        if (auto result = Judge(call, *node, outcome, attempts, at_once); result.has_value()) {
          return *std::move(result);
        }
      }
      if (!at_once) {
        AwaitChange(std::min(Jittered(delay), last_retry - absl::Now()));
        delay = std::min(2 * delay, kMaxDelay);
      }
      if (absl::Now() >= last_retry) {
        return Unavailable(attempts.last);
      }
      attempts.any = true;
      ++retries_;
    }
  }

  absl::StatusOr<std::vector<NodeReply>> RunOnPrimaries(
      const Context& context, const std::vector<std::string>& command) override {
    SB_RETURN_IF_ERROR(CheckDeadline(context));
    const absl::Time deadline = std::min(context.deadline, absl::Now() + options_.patience);
    SB_RETURN_IF_ERROR(NodeOf(0).status());
    std::vector<NodeReply> replies;
    for (const NodePtr& node : Primaries()) {
      RedisOutcome outcome = node->Run(deadline, PlainRequest(command));
      switch (outcome.kind) {
        case RedisOutcome::Kind::kAnswered:
        case RedisOutcome::Kind::kRefused:
          replies.push_back({FormatRedisAddress(node->address()), std::move(outcome.reply)});
          break;
        case RedisOutcome::Kind::kLate:
          return DeadlineExceededError();
        case RedisOutcome::Kind::kUnsent:
        case RedisOutcome::Kind::kUnknown:
          return Unavailable(outcome.status);
      }
    }
    return replies;
  }

  RedisRouterStats stats() const override {
    MutexLock lock(mutex_);
    RedisRouterStats stats = former_;
    stats.retries = retries_;
    stats.redirects = redirects_;
    stats.searches = searches_;
    for (const auto& [name, node] : nodes_) {
      AddStats(node->stats(), stats);
    }
    return stats;
  }

  void Close() override {
    MutexLock close_lock(close_mutex_);
    {
      MutexLock lock(mutex_);
      closed_ = true;
      changed_.NotifyAll();
      searcher_wakes_.NotifyOne();
      for (const auto& [name, node] : nodes_) {
        node->Retire();
      }
    }
    environment_.stop.Set();
    if (searcher_.joinable()) {
      searcher_.join();
    }
    // Nobody adds nodes any more. Their destructors wait for their lanes, which the stop has ended.
    std::map<std::string, NodePtr> nodes;
    std::vector<NodePtr> retired;
    std::vector<NodePtr> serving;
    MutexLock lock(mutex_);
    nodes.swap(nodes_);
    retired.swap(retired_);
    serving.swap(serving_);
  }

 private:
  // What a call has met so far.
  struct Attempts {
    size_t slot = 0;
    absl::Status last = absl::UnavailableError("no primary is known");
    NodePtr asked;  // where ASK sent it
    int redirects = 0;
    bool any = false;
  };

  // The call's end; or nullopt, to try again after a while or `at_once`.
  std::optional<absl::StatusOr<RedisAnswer>> Judge(const RedisCall& call, const RedisNode& node,
                                                   RedisOutcome& outcome, Attempts& attempts,
                                                   bool& at_once) {
    switch (outcome.kind) {
      case RedisOutcome::Kind::kAnswered:
        if (outcome.reply.kind == RedisReply::Kind::kError) {
          return Internal(
              absl::StrCat("Redis refused ", call.script->name, ": ", outcome.reply.text));
        }
        return RedisAnswer{std::move(outcome.reply), std::move(outcome.replication_id)};
      case RedisOutcome::Kind::kLate:
        return attempts.any ? Unavailable(attempts.last) : DeadlineExceededError();
      case RedisOutcome::Kind::kUnknown:
        if (call.writes) {
          return OutcomeUnknownError(outcome.status.message());
        }
        attempts.last = outcome.status;
        return std::nullopt;
      case RedisOutcome::Kind::kUnsent:
        attempts.last = outcome.status;
        Search(std::nullopt);
        return std::nullopt;
      case RedisOutcome::Kind::kRefused:
        break;
    }
    attempts.last = absl::UnavailableError(absl::StrCat("Redis refused: ", outcome.reply.text));
    Address other = outcome.error.address;
    if (other.host.empty()) {
      other.host = node.address().host;
    }
    switch (outcome.error.kind) {
      case RedisError::Kind::kFull:
        return Unavailable(attempts.last);
      case RedisError::Kind::kMoved:
        Moved(attempts.slot, other);
        at_once = ++attempts.redirects <= kQuickRedirects;
        ++redirects_;
        break;
      case RedisError::Kind::kAsk:
        attempts.asked = NodeAt(other);
        at_once = ++attempts.redirects <= kQuickRedirects;
        ++redirects_;
        break;
      default:
        // Also what may pass by itself (NOREPLICAS, CLUSTERDOWN): a primary that is cut off says so
        // while another one serves.
        Search(std::nullopt);
        break;
    }
    return std::nullopt;
  }

  // Null: nobody that is known. SHUTTING_DOWN after Close.
  absl::StatusOr<NodePtr> NodeOf(size_t slot) {
    MutexLock lock(mutex_);
    if (closed_) {
      return ShuttingDownError();
    }
    return serving_[slot];
  }

  NodePtr NodeAt(const Address& address) {
    MutexLock lock(mutex_);
    return FindOrAdd(address);
  }

  std::vector<NodePtr> Primaries() {
    MutexLock lock(mutex_);
    std::vector<NodePtr> primaries;
    for (const auto& [name, node] : nodes_) {
      primaries.push_back(node);
    }
    return primaries;
  }

  // The slot's new primary is known at once; the rest of what changed is asked of it.
  void Moved(size_t slot, const Address& address) {
    {
      MutexLock lock(mutex_);
      if (NodePtr node = FindOrAdd(address); node != nullptr) {
        serving_[slot] = std::move(node);
      }
    }
    Search(address);
  }

  // Null when there are too many, or after Close.
  NodePtr FindOrAdd(const Address& address) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const std::string name = FormatRedisAddress(address);
    if (const auto it = nodes_.find(name); it != nodes_.end()) {
      return it->second;
    }
    if (closed_ || nodes_.size() >= kMaxRedisPrimaries) {
      return nullptr;
    }
    RedisNode::ConfirmKey confirm_key = [this, name] { return ConfirmKeyOf(name); };
    auto node = std::make_shared<RedisNode>(environment_, address, std::move(confirm_key));
    nodes_.emplace(name, node);
    return node;
  }

  // Of the form that the store's keys have, so that what a user may do with these suffices; and
  // none of theirs.
  std::string ConfirmKeyOf(const std::string& name) {
    if (!cluster_) {
      return absl::StrCat(options_.prefix, ":{}", kConfirmName);
    }
    MutexLock lock(mutex_);
    const auto it = nodes_.find(name);
    // Any slot of the node does, but each time another one, taken from here and there: those beside
    // each other are moved one after the other.
    for (size_t i = 0; i < serving_.size(); ++i) {
      confirm_slot_ = (confirm_slot_ + kConfirmStep) % kRedisSlots;
      if (it != nodes_.end() && serving_[confirm_slot_] == it->second) {
        break;
      }
    }
    return absl::StrCat(options_.prefix, ":{", slot_tags_[confirm_slot_], "}", kConfirmName);
  }

  // Waits until the primaries have changed, the router is closed, or the time is over.
  void AwaitChange(absl::Duration time) {
    const SteadyTimer pause(time);
    MutexLock lock(mutex_);
    const int64_t version = version_;
    while (!closed_ && version == version_) {
      const absl::Duration left = pause.Left();
      if (left <= absl::ZeroDuration()) {
        return;
      }
      changed_.WaitFor(mutex_, left);
    }
  }

  // Asks for the primaries anew, `first` before others.
  void Search(const std::optional<Address>& first) {
    if (options_.topology == RedisOptions::Topology::kStandalone) {
      return;
    }
    MutexLock lock(mutex_);
    search_wanted_ = true;
    if (first.has_value()) {
      ask_first_ = first;
    }
    searcher_wakes_.NotifyOne();
  }

  void SearchLoop() {
    BlockSigpipe();
    absl::Duration pause = kMinPause;
    while (true) {
      std::vector<Address> known;
      {
        MutexLock lock(mutex_);
        while (!search_wanted_ && !closed_) {
          searcher_wakes_.Wait(mutex_);
        }
        if (closed_) {
          return;
        }
        search_wanted_ = false;
        known = known_;
        if (ask_first_.has_value()) {
          known.insert(known.begin(), *std::exchange(ask_first_, std::nullopt));
        }
      }
      ++searches_;
      const absl::StatusOr<RedisPrimaries> found =
          FindRedisPrimaries(options_, known, environment_.stop);
      const bool changed = found.ok() && Adopt(*found);
      pause = changed ? kMinPause : std::min(2 * pause, kMaxPause);
      MutexLock lock(mutex_);
      if (!first_search_.has_value()) {
        first_search_ = found.status();
        changed_.NotifyAll();
      }
      const SteadyTimer timer(Jittered(pause));
      for (absl::Duration left = timer.Left(); !closed_ && left > absl::ZeroDuration();
           left = timer.Left()) {
        searcher_wakes_.WaitFor(mutex_, left);
      }
    }
  }

  // Makes calls go where `found` says. True if that is elsewhere than before.
  bool Adopt(const RedisPrimaries& found) {
    std::vector<NodePtr> finished;  // destroyed without the lock
    MutexLock lock(mutex_);
    // Asked in another order each time: the first one may be cut off and not know it.
    known_ = found.known;
    if (!known_.empty()) {
      std::rotate(known_.begin(), known_.begin() + searches_ % static_cast<int64_t>(known_.size()),
                  known_.end());
    }
    std::vector<NodePtr> primaries;
    for (const Address& address : found.addresses) {
      primaries.push_back(FindOrAdd(address));
    }
    std::vector<NodePtr> serving(serving_.size());
    for (size_t slot = 0; slot < serving.size(); ++slot) {
      const int index = cluster_ ? found.slots[slot] : 0;
      if (index != RedisPrimaries::kNobody) {
        serving[slot] = primaries[static_cast<size_t>(index)];
      }
    }
    for (auto it = nodes_.begin(); it != nodes_.end();) {
      if (std::find(primaries.begin(), primaries.end(), it->second) == primaries.end()) {
        it->second->Retire();
        retired_.push_back(std::move(it->second));
        it = nodes_.erase(it);
      } else {
        ++it;
      }
    }
    for (auto it = retired_.begin(); it != retired_.end();) {
      if ((*it)->Finished()) {
        AddStats((*it)->stats(), former_);
        finished.push_back(std::move(*it));
        it = retired_.erase(it);
      } else {
        ++it;
      }
    }
    const bool changed = serving != serving_;
    if (changed) {
      serving_ = std::move(serving);
      ++version_;
      changed_.NotifyAll();
    }
    return changed;
  }

  static constexpr size_t kConfirmStep = 5021;  // odd, so that it comes to every slot

  const RedisOptions options_;
  const bool cluster_;
  std::vector<std::string> slot_tags_;
  RedisNode::Environment environment_;  // outlives the nodes
  std::atomic<int64_t> retries_ = 0;
  std::atomic<int64_t> redirects_ = 0;
  std::atomic<int64_t> searches_ = 0;

  mutable Mutex mutex_;
  CondVar changed_;  // serving_, first_search_ or closed_
  CondVar searcher_wakes_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;  // of serving_
  // For each slot (or for all: [0]) the node that serves it, or null.
  std::vector<NodePtr> serving_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, NodePtr> nodes_ ABSL_GUARDED_BY(mutex_);  // by address
  std::vector<NodePtr> retired_ ABSL_GUARDED_BY(mutex_);          // still finishing
  RedisRouterStats former_ ABSL_GUARDED_BY(mutex_);               // of those that finished
  size_t confirm_slot_ ABSL_GUARDED_BY(mutex_) = 0;
  bool search_wanted_ ABSL_GUARDED_BY(mutex_) = true;
  std::optional<Address> ask_first_ ABSL_GUARDED_BY(mutex_);
  std::vector<Address> known_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> first_search_ ABSL_GUARDED_BY(mutex_);

  Mutex close_mutex_;  // one Close at a time
  std::thread searcher_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RedisRouter>> MakeRedisRouter(const RedisOptions& options,
                                                             RedisNodeCheck check) {
  if (options.tls) {
    SB_RETURN_IF_ERROR(auth::RequireTlsFiles(
        {options.certificate_file, options.key_file, options.ca_file}, absl::Now()));
  }
  auto router = std::make_unique<Router>(options, std::move(check));
  SB_RETURN_IF_ERROR(router->Start());
  return router;
}

}  // namespace securebase::storage
