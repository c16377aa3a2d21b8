#include "services/platform/storage/redis_options.h"

#include <arpa/inet.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/platform/base/loopback.h"
#include "services/platform/base/status_macros.h"

namespace securebase::storage {
namespace {

constexpr int kRedisPort = 6379;
constexpr int kSentinelPort = 26379;
constexpr int kMaxReplicas = 16;
constexpr int kMaxConnections = 64;
constexpr int kMaxDatabase = 1'000'000;
constexpr size_t kMaxAddresses = 64;
constexpr size_t kMaxPrefix = 32;

// Never with what was given: it may be a password in the wrong place.
absl::Status Invalid(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("--store: ", what));
}

absl::StatusOr<int> ParseNumber(absl::string_view text, int least, int most,
                                absl::string_view what) {
  int value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < least || value > most) {
    return Invalid(absl::StrCat(what, " must be a number from ", least, " to ", most));
  }
  return value;
}

absl::StatusOr<RedisOptions::Address> ParseAddress(absl::string_view text, int default_port) {
  RedisOptions::Address address;
  address.port = default_port;
  absl::string_view port;
  bool has_port = false;
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) {
      return Invalid("an IPv6 address needs both brackets: [::1]:6379");
    }
    address.host = std::string(text.substr(0, end));
    port = text.substr(end + 1);
    has_port = absl::ConsumePrefix(&port, ":");
    in6_addr ignored;
    if ((!has_port && !port.empty()) || inet_pton(AF_INET6, address.host.c_str(), &ignored) != 1) {
      return Invalid("an address in brackets must be IPv6: [::1]:6379");
    }
  } else {
    const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
    if (parts.size() > 2) {
      return Invalid("an IPv6 address stands in brackets: [::1]:6379");
    }
    address.host = std::string(parts[0]);
    has_port = parts.size() == 2;
    port = has_port ? parts[1] : "";
  }
  if (address.host.empty()) {
    return Invalid("a host is missing, as in redis://127.0.0.1:6379");
  }
  if (has_port) {
    SB_ASSIGN_OR_RETURN(address.port, ParseNumber(port, 1, 65535, "a port"));
  }
  return address;
}

absl::Status ParsePath(absl::string_view path, RedisOptions& options) {
  std::vector<absl::string_view> parts;
  if (!path.empty()) {
    parts = absl::StrSplit(path, '/');
  }
  absl::string_view database;
  switch (options.topology) {
    case RedisOptions::Topology::kCluster:
      if (!parts.empty()) {
        return Invalid("a cluster has no databases: nothing may follow its addresses");
      }
      return absl::OkStatus();
    case RedisOptions::Topology::kSentinel:
      if (parts.empty() || parts[0].empty() || parts.size() > 2) {
        return Invalid(
            "after the sentinels stands what they call the primary, as in "
            "redis+sentinel://host1,host2,host3/mymaster");
      }
      options.primary_name = std::string(parts[0]);
      database = parts.size() == 2 ? parts[1] : "0";
      break;
    case RedisOptions::Topology::kStandalone:
      if (parts.size() > 1) {
        return Invalid("after the address only a database number may stand");
      }
      database = parts.empty() ? "0" : parts[0];
      break;
  }
  SB_ASSIGN_OR_RETURN(options.database, ParseNumber(database, 0, kMaxDatabase, "the database"));
  return absl::OkStatus();
}

absl::Status ParseParameter(absl::string_view name, const std::string& value,
                            RedisOptions& options) {
  const std::pair<absl::string_view, std::string*> texts[] = {
      {"user", &options.user},    {"password-file", &options.password_file},
      {"ca", &options.ca_file},   {"certificate", &options.certificate_file},
      {"key", &options.key_file},
  };
  for (const auto& [known, text] : texts) {
    if (name == known) {
      *text = value;
      return value.empty() ? Invalid(absl::StrCat(known, " must not be empty")) : absl::OkStatus();
    }
  }
  if (name == "prefix") {
    const bool fits = !value.empty() && value.size() <= kMaxPrefix &&
                      std::all_of(value.begin(), value.end(), [](char c) {
                        return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
                      });
    options.prefix = value;
    return fits ? absl::OkStatus()
                : Invalid(absl::StrCat("prefix must be 1 to ", kMaxPrefix, " of a-z, 0-9 and -"));
  }
  if (name == "durability") {
    if (value != "local" && value != "replicated" && value != "relaxed") {
      return Invalid("durability must be local, replicated or relaxed");
    }
    options.durability = value == "local"        ? RedisDurability::kLocal
                         : value == "replicated" ? RedisDurability::kReplicated
                                                 : RedisDurability::kRelaxed;
    return absl::OkStatus();
  }
  if (name == "replicas") {
    SB_ASSIGN_OR_RETURN(options.replicas, ParseNumber(value, 1, kMaxReplicas, "replicas"));
    return absl::OkStatus();
  }
  if (name == "connections") {
    SB_ASSIGN_OR_RETURN(options.connections, ParseNumber(value, 1, kMaxConnections, "connections"));
    return absl::OkStatus();
  }
  return Invalid(
      "the parameters are durability, replicas, prefix, user, password-file, ca, certificate, key "
      "and connections");
}

absl::Status CheckTogether(const RedisOptions& options) {
  const bool replicated = options.durability == RedisDurability::kReplicated;
  if (replicated && options.replicas == 0) {
    return Invalid("durability replicated needs replicas=N, how many each primary has");
  }
  if (!replicated && options.replicas != 0) {
    return Invalid("replicas counts only with durability=replicated");
  }
  if (options.topology == RedisOptions::Topology::kSentinel &&
      options.durability == RedisDurability::kLocal) {
    return Invalid(
        "durability=local is for one server: a failover by sentinels would lose what only the "
        "failed one had");
  }
  if (!options.user.empty() && options.password_file.empty()) {
    return Invalid("user needs password-file");
  }
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Invalid("certificate and key belong together");
  }
  if (!options.tls && !(options.ca_file.empty() && options.certificate_file.empty())) {
    return Invalid("ca, certificate and key are for TLS: rediss, rediss+sentinel, rediss+cluster");
  }
  for (const RedisOptions::Address& address : options.addresses) {
    if (!options.tls && !IsLoopback(address.host)) {
      return Invalid(
          "patient data does not travel in the clear: use rediss:// to any address that is not "
          "loopback");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string FormatRedisAddress(const RedisOptions::Address& address) {
  return absl::StrContains(address.host, ':') ? absl::StrCat("[", address.host, "]:", address.port)
                                              : absl::StrCat(address.host, ":", address.port);
}

absl::StatusOr<RedisOptions> ParseRedisUrl(absl::string_view url) {
  RedisOptions options;
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(url, absl::MaxSplits("://", 1));
  absl::string_view scheme = halves.first;
  options.tls = absl::ConsumePrefix(&scheme, "rediss");
  if (!options.tls && !absl::ConsumePrefix(&scheme, "redis")) {
    return Invalid("a Redis URL begins with redis or rediss");
  }
  int default_port = kRedisPort;
  if (scheme == "+sentinel") {
    options.topology = RedisOptions::Topology::kSentinel;
    default_port = kSentinelPort;
  } else if (scheme == "+cluster") {
    options.topology = RedisOptions::Topology::kCluster;
  } else if (!scheme.empty()) {
    return Invalid("a Redis URL begins with redis://, redis+sentinel:// or redis+cluster://");
  }
  options.durability = options.topology == RedisOptions::Topology::kStandalone
                           ? RedisDurability::kLocal
                           : RedisDurability::kReplicated;

  const std::pair<absl::string_view, absl::string_view> place_and_query =
      absl::StrSplit(halves.second, absl::MaxSplits('?', 1));
  const std::pair<absl::string_view, absl::string_view> hosts_and_path =
      absl::StrSplit(place_and_query.first, absl::MaxSplits('/', 1));
  if (absl::StrContains(hosts_and_path.first, '@')) {
    return Invalid("a password does not belong in a URL: use user=NAME and password-file=PATH");
  }
  for (const absl::string_view text : absl::StrSplit(hosts_and_path.first, ',')) {
    SB_ASSIGN_OR_RETURN(RedisOptions::Address address, ParseAddress(text, default_port));
    options.addresses.push_back(std::move(address));
  }
  if (options.topology == RedisOptions::Topology::kStandalone && options.addresses.size() > 1) {
    return Invalid("redis:// names one server; several are redis+sentinel:// or redis+cluster://");
  }
  if (options.addresses.size() > kMaxAddresses) {
    return Invalid(absl::StrCat("at most ", kMaxAddresses, " addresses"));
  }
  SB_RETURN_IF_ERROR(ParsePath(hosts_and_path.second, options));
  std::set<absl::string_view> seen;
  for (const absl::string_view parameter :
       absl::StrSplit(place_and_query.second, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    SB_RETURN_IF_ERROR(ParseParameter(pair.first, std::string(pair.second), options));
    if (!seen.insert(pair.first).second) {
      return Invalid(absl::StrCat(pair.first, " stands twice"));
    }
  }
  SB_RETURN_IF_ERROR(CheckTogether(options));
  return options;
}

}  // namespace securebase::storage
