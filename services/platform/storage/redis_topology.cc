#include "services/platform/storage/redis_topology.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/redis_connection.h"
#include "services/platform/storage/redis_slot.h"

namespace securebase::storage {
namespace {

using Address = RedisOptions::Address;
using Kind = RedisReply::Kind;

constexpr size_t kMaxKnown = 64;
// So many cluster nodes are asked: one alone may be cut off and not know it.
constexpr size_t kClusterAnswers = 3;

bool SameAddress(const Address& a, const Address& b) {
  return a.host == b.host && a.port == b.port;
}

void AddAddress(Address address, std::vector<Address>& addresses) {
  const bool there = std::any_of(addresses.begin(), addresses.end(),
                                 [&](const Address& other) { return SameAddress(address, other); });
  if (!there && addresses.size() < kMaxKnown) {
    addresses.push_back(std::move(address));
  }
}

// Those that must be tried one after the other share the patience that one connection gets.
absl::Time AskingDeadline(const RedisOptions& options) {
  return absl::Now() + options.connect_timeout / 2;
}

absl::Status NobodyAnswered(absl::string_view who, const std::vector<std::string>& why) {
  return absl::UnavailableError(
      absl::StrCat("no ", who, " could name the primary: ", absl::StrJoin(why, "; ")));
}

// The value that follows `name` in a flat array of names and values.
absl::string_view Field(const RedisReply& fields, absl::string_view name) {
  for (size_t i = 0; i + 1 < fields.elements.size(); i += 2) {
    if (fields.elements[i].text == name) {
      return fields.elements[i + 1].text;
    }
  }
  return "";
}

std::optional<Address> AddressField(const RedisReply& fields) {
  Address address;
  address.host = std::string(Field(fields, "ip"));
  if (address.host.empty() || !absl::SimpleAtoi(Field(fields, "port"), &address.port) ||
      address.port < 1 || address.port > 65535) {
    return std::nullopt;
  }
  return address;
}

struct Candidate {
  int64_t epoch = 0;
  RedisPrimaries primaries;
};

// What one sentinel says, and in `known` the sentinels it knows.
absl::StatusOr<Candidate> AskSentinel(const RedisOptions& options, const Address& sentinel,
                                      const RedisStop& stop, std::vector<Address>& known) {
  const absl::Time deadline = AskingDeadline(options);
  SB_ASSIGN_OR_RETURN(
      const std::unique_ptr<RedisConnection> connection,
      RedisConnection::Open(options, sentinel, RedisConnection::Login::kOffered, deadline, stop));
  SB_ASSIGN_OR_RETURN(const RedisReply primary,
                      connection->Run({"SENTINEL", "MASTER", options.primary_name}, deadline));
  const std::optional<Address> address = AddressField(primary);
  Candidate candidate;
  if (!address.has_value() || !absl::SimpleAtoi(Field(primary, "config-epoch"), &candidate.epoch)) {
    return absl::UnavailableError(
        absl::StrCat(FormatRedisAddress(sentinel), " does not know ", options.primary_name,
                     primary.kind == Kind::kError ? absl::StrCat(" (", primary.text, ")") : ""));
  }
  candidate.primaries.addresses = {*address};
  SB_ASSIGN_OR_RETURN(const RedisReply others,
                      connection->Run({"SENTINEL", "SENTINELS", options.primary_name}, deadline));
  for (const RedisReply& other : others.elements) {
    if (const std::optional<Address> found = AddressField(other); found.has_value()) {
      AddAddress(*found, known);
    }
  }
  return candidate;
}

absl::StatusOr<RedisPrimaries> AskSentinels(const RedisOptions& options,
                                            const std::vector<Address>& known,
                                            const RedisStop& stop) {
  std::vector<Address> sentinels = options.addresses;
  for (const Address& address : known) {
    AddAddress(address, sentinels);
  }
  std::vector<Address> heard = options.addresses;
  std::vector<Candidate> candidates;
  std::vector<std::string> why;
  // Grows while it is walked: what one names is asked too.
  for (size_t i = 0; i < sentinels.size(); ++i) {
    const Address sentinel = sentinels[i];
    absl::StatusOr<Candidate> candidate = AskSentinel(options, sentinel, stop, heard);
    if (absl::IsCancelled(candidate.status())) {
      return candidate.status();
    }
    if (!candidate.ok()) {
      why.emplace_back(candidate.status().message());
      continue;
    }
    candidates.push_back(*std::move(candidate));
    for (const Address& address : heard) {
      AddAddress(address, sentinels);
    }
  }
  // A sentinel that is cut off names the former primary; the others' epoch is later.
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.epoch > b.epoch; });
  std::vector<Address> refused;
  for (Candidate& candidate : candidates) {
    const Address& address = candidate.primaries.addresses[0];
    const bool tried = std::any_of(refused.begin(), refused.end(), [&](const Address& other) {
      return SameAddress(address, other);
    });
    if (tried) {
      continue;
    }
    const auto connection = RedisConnection::OpenPrimary(
        options, address, nullptr, absl::Now() + options.connect_timeout, stop);
    if (connection.ok()) {
      candidate.primaries.known = std::move(heard);
      return std::move(candidate.primaries);
    }
    if (absl::IsCancelled(connection.status())) {
      return connection.status();
    }
    why.emplace_back(connection.status().message());
    refused.push_back(address);
  }
  return NobodyAnswered("sentinel", why);
}

absl::StatusOr<Candidate> AskClusterNode(const RedisOptions& options, const Address& node,
                                         const RedisStop& stop) {
  const absl::Time deadline = AskingDeadline(options);
  SB_ASSIGN_OR_RETURN(
      const std::unique_ptr<RedisConnection> connection,
      RedisConnection::Open(options, node, RedisConnection::Login::kRequired, deadline, stop));
  SB_ASSIGN_OR_RETURN(const RedisReply info, connection->Run({"CLUSTER", "INFO"}, deadline));
  Candidate candidate;
  if (!absl::SimpleAtoi(RedisInfoField(info.text, "cluster_current_epoch"), &candidate.epoch)) {
    return absl::UnavailableError(absl::StrCat("Redis at ", FormatRedisAddress(node),
                                               ": is no cluster node (", info.text, ")"));
  }
  SB_ASSIGN_OR_RETURN(const RedisReply slots, connection->Run({"CLUSTER", "SLOTS"}, deadline));
  SB_ASSIGN_OR_RETURN(candidate.primaries, ParseClusterSlots(slots, node));
  return candidate;
}

absl::StatusOr<RedisPrimaries> AskCluster(const RedisOptions& options,
                                          const std::vector<Address>& known,
                                          const RedisStop& stop) {
  std::vector<Address> nodes = known;
  for (const Address& address : options.addresses) {
    AddAddress(address, nodes);
  }
  std::optional<Candidate> best;
  std::vector<std::string> why;
  size_t answers = 0;
  for (size_t i = 0; i < nodes.size() && answers < kClusterAnswers; ++i) {
    absl::StatusOr<Candidate> candidate = AskClusterNode(options, nodes[i], stop);
    if (absl::IsCancelled(candidate.status()) || absl::IsFailedPrecondition(candidate.status())) {
      return candidate.status();
    }
    if (!candidate.ok()) {
      why.emplace_back(candidate.status().message());
      continue;
    }
    ++answers;
    if (!best.has_value() || candidate->epoch > best->epoch) {
      best = *std::move(candidate);
    }
  }
  if (!best.has_value()) {
    return NobodyAnswered("node of the cluster", why);
  }
  return std::move(best->primaries);
}

bool ParseSlotRange(const RedisReply& range, int64_t& first, int64_t& last) {
  if (range.elements.size() < 3 || range.elements[0].kind != Kind::kInteger ||
      range.elements[1].kind != Kind::kInteger) {
    return false;
  }
  first = range.elements[0].integer;
  last = range.elements[1].integer;
  return 0 <= first && first <= last && last < kRedisSlots;
}

std::optional<Address> ParseNode(const RedisReply& node, const Address& asked) {
  if (node.elements.size() < 2 || node.elements[1].kind != Kind::kInteger ||
      node.elements[1].integer < 1 || node.elements[1].integer > 65535) {
    return std::nullopt;
  }
  Address address;
  address.host = node.elements[0].text;
  // A node that does not know how it is called is where it was asked.
  if (address.host.empty() || address.host == "?") {
    address.host = asked.host;
  }
  address.port = static_cast<int>(node.elements[1].integer);
  return address;
}

}  // namespace

absl::StatusOr<RedisPrimaries> ParseClusterSlots(const RedisReply& reply, const Address& asked) {
  const absl::Status bad = absl::UnavailableError(absl::StrCat(
      "Redis at ", FormatRedisAddress(asked), ": does not say who serves what: ", reply.text));
  if (reply.kind != Kind::kArray || reply.elements.empty()) {
    return bad;
  }
  RedisPrimaries primaries;
  primaries.slots.assign(kRedisSlots, RedisPrimaries::kNobody);
  std::map<std::string, int16_t> indexes;
  for (const RedisReply& range : reply.elements) {
    int64_t first = 0;
    int64_t last = 0;
    if (!ParseSlotRange(range, first, last)) {
      return bad;
    }
    for (size_t i = 2; i < range.elements.size(); ++i) {
      const std::optional<Address> node = ParseNode(range.elements[i], asked);
      if (!node.has_value()) {
        return bad;
      }
      AddAddress(*node, primaries.known);
      if (i > 2) {
        continue;  // its replicas
      }
      const auto [it, added] = indexes.try_emplace(
          FormatRedisAddress(*node), static_cast<int16_t>(primaries.addresses.size()));
      if (added) {
        primaries.addresses.push_back(*node);
      }
      if (primaries.addresses.size() > kMaxRedisPrimaries) {
        return absl::FailedPreconditionError(
            absl::StrCat("the cluster has more than ", kMaxRedisPrimaries, " primaries"));
      }
      std::fill(primaries.slots.begin() + first, primaries.slots.begin() + last + 1, it->second);
    }
  }
  return primaries;
}

absl::StatusOr<RedisPrimaries> FindRedisPrimaries(const RedisOptions& options,
                                                  const std::vector<Address>& known,
                                                  const RedisStop& stop) {
  switch (options.topology) {
    case RedisOptions::Topology::kStandalone: {
      RedisPrimaries primaries;
      primaries.addresses = options.addresses;
      return primaries;
    }
    case RedisOptions::Topology::kSentinel:
      return AskSentinels(options, known, stop);
    case RedisOptions::Topology::kCluster:
      return AskCluster(options, known, stop);
  }
  return absl::InternalError("no such topology");
}

}  // namespace securebase::storage
