#include "services/platform/storage/redis_check.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::storage {
namespace {

using Severity = RedisFinding::Severity;

// Scripts state in their first line whether they write, which Redis knows since 7.0.
constexpr int kLeastMajorVersion = 7;

const std::vector<std::string>& InfoCommand() {
  static const auto* command = new std::vector<std::string>{"INFO"};
  return *command;
}

const std::vector<std::string>& ConfigCommand() {
  static const auto* command = new std::vector<std::string>{
      "CONFIG",
      "GET",
      "appendonly",
      "appendfsync",
      "no-appendfsync-on-rewrite",
      "aof-load-truncated",
      "auto-aof-rewrite-percentage",
      "maxmemory",
      "maxmemory-policy",
      "min-replicas-to-write",
      "min-replicas-max-lag",
      "replica-serve-stale-data",
      "cluster-allow-reads-when-down",
      "cluster-allow-replica-migration",
  };
  return *command;
}

std::string NameOf(RedisDurability durability) {
  switch (durability) {
    case RedisDurability::kLocal:
      return "local";
    case RedisDurability::kReplicated:
      return "replicated";
    case RedisDurability::kRelaxed:
      return "relaxed";
  }
  return "";
}

int NumberOf(const std::string& text) {
  int number = 0;
  return absl::SimpleAtoi(text, &number) ? number : 0;
}

class Judge {
 public:
  Judge(const RedisOptions& options, const RedisFacts& facts) : options_(options), facts_(facts) {}

  std::vector<RedisFinding> Run() {
    const std::string version = Info("redis_version");
    Add(NumberOf(version.substr(0, version.find('.'))) >= kLeastMajorVersion, Severity::kError,
        "redis_version", version, absl::StrCat(kLeastMajorVersion, ".0 or later"),
        "older ones do not know the flags of scripts");
    if (findings_.back().severity == Severity::kError) {
      return std::move(findings_);  // they do not answer the rest, either
    }
    JudgeMemory();
    JudgeDisk();
    JudgeReplicas();
    JudgeCluster();
    return std::move(findings_);
  }

 private:
  bool Replicated() const { return options_.durability == RedisDurability::kReplicated; }
  bool Relaxed() const { return options_.durability == RedisDurability::kRelaxed; }

  std::string Info(const std::string& field) const {
    const auto it = facts_.info.find(field);
    return it == facts_.info.end() ? "" : it->second;
  }
  std::string Config(const std::string& setting) const {
    const auto it = facts_.config.find(setting);
    return it == facts_.config.end() ? "" : it->second;
  }

  void Add(bool right, Severity otherwise, std::string setting, std::string is, std::string should,
           std::string why) {
    findings_.push_back({right ? Severity::kOk : otherwise, "", std::move(setting), std::move(is),
                         std::move(should), std::move(why)});
  }
  void Want(Severity otherwise, const std::string& setting, const std::string& should,
            const std::string& why) {
    Add(Config(setting) == should, otherwise, setting, Config(setting), should, why);
  }

  void JudgeMemory() {
    Want(Severity::kError, "maxmemory-policy", "noeviction",
         "other policies throw records away when memory is short");
    Add(Config("maxmemory") != "0", Severity::kWarning, "maxmemory", Config("maxmemory"),
        "a number of bytes",
        "without a limit the kernel may kill Redis when memory is short; with one, it refuses "
        "writes");
  }

  void JudgeDisk() {
    const Severity otherwise = Relaxed() ? Severity::kWarning : Severity::kError;
    Want(otherwise, "appendonly", "yes", "without it a restart forgets acknowledged writes");
    if (!Relaxed()) {
      Want(otherwise, "appendfsync", "always",
           "otherwise a power cut loses the last acknowledged writes");
      Want(otherwise, "no-appendfsync-on-rewrite", "no",
           "otherwise a power cut during a rewrite loses acknowledged writes");
    }
    Want(Severity::kWarning, "aof-load-truncated", "yes",
         "otherwise Redis does not start after a crash in the middle of a write");
    Add(Config("auto-aof-rewrite-percentage") != "0", Severity::kWarning,
        "auto-aof-rewrite-percentage", Config("auto-aof-rewrite-percentage"), "100",
        "otherwise the append-only file grows until the disk is full");
    const std::string write_status = Info("aof_last_write_status");
    Add(write_status.empty() || write_status == "ok", otherwise, "aof_last_write_status",
        write_status, "ok", "Redis cannot write its append-only file; look at its disk");
  }

  // Replicas by their addresses: one that has reconnected is listed twice for a while.
  int ConnectedReplicas() const {
    std::set<std::string> addresses;
    const int listed = NumberOf(Info("connected_slaves"));
    for (int i = 0; i < listed; ++i) {
      std::string address;
      for (const absl::string_view part : absl::StrSplit(Info(absl::StrCat("slave", i)), ',')) {
        if (absl::StartsWith(part, "ip=") || absl::StartsWith(part, "port=")) {
          absl::StrAppend(&address, part, " ");
        }
      }
      addresses.insert(address);
    }
    return static_cast<int>(addresses.size());
  }

  void JudgeReplicas() {
    const int connected = ConnectedReplicas();
    if (options_.durability == RedisDurability::kLocal) {
      Add(connected == 0, Severity::kWarning, "connected replicas", absl::StrCat(connected), "0",
          "one that takes over lacks acknowledged writes; durability=replicated waits for them");
      return;
    }
    if (Replicated()) {
      const std::string wanted = absl::StrCat(options_.replicas);
      Add(connected >= options_.replicas, Severity::kWarning, "connected replicas",
          absl::StrCat(connected), wanted, "calls wait until all have confirmed");
      if (connected > options_.replicas) {
        // Any of them may be promoted, and only so many are waited for.
        findings_.back().severity = Severity::kError;
        findings_.back().why =
            "writes would not wait for all that may take over; name their number in --store";
      }
      Add(NumberOf(Config("min-replicas-to-write")) >= options_.replicas, Severity::kError,
          "min-replicas-to-write", Config("min-replicas-to-write"), wanted,
          "otherwise a primary that is cut off goes on writing what will be lost");
      Add(NumberOf(Config("min-replicas-max-lag")) > 0, Severity::kError, "min-replicas-max-lag",
          Config("min-replicas-max-lag"), "10", "0 turns min-replicas-to-write off");
    }
    Want(Severity::kWarning, "replica-serve-stale-data", "no",
         "otherwise a former primary may answer others with old data");
  }

  void JudgeCluster() {
    const bool cluster = options_.topology == RedisOptions::Topology::kCluster;
    const std::string enabled = Info("cluster_enabled");
    Add((enabled == "1") == cluster, Severity::kError, "cluster_enabled", enabled,
        cluster ? "1" : "0",
        cluster ? "--store names a Cluster; write redis:// for a single server"
                : "it is part of a Cluster; write redis+cluster:// in --store");
    if (!cluster) {
      return;
    }
    Want(Severity::kError, "cluster-allow-reads-when-down", "no",
         "otherwise a node that is cut off answers with old data");
    if (Replicated() && options_.replicas > 1) {
      Want(Severity::kError, "cluster-allow-replica-migration", "no",
           "otherwise a primary may get more replicas than writes wait for");
    }
  }

  const RedisOptions& options_;
  const RedisFacts& facts_;
  std::vector<RedisFinding> findings_;
};

absl::Status CannotReadError(const RedisReply& reply) {
  const std::string text = reply.kind == RedisReply::Kind::kError ? reply.text : "no such answer";
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                   absl::StrCat("cannot read the settings of Redis (", text,
                                "); allow its user the commands +info and +config|get"));
}

absl::Status TakeInfo(const RedisReply& reply, RedisFacts& facts) {
  if (reply.kind != RedisReply::Kind::kString) {
    return CannotReadError(reply);
  }
  for (const absl::string_view line : absl::StrSplit(reply.text, "\r\n")) {
    if (const size_t colon = line.find(':'); colon != absl::string_view::npos) {
      facts.info[std::string(line.substr(0, colon))] = std::string(line.substr(colon + 1));
    }
  }
  return absl::OkStatus();
}

absl::Status TakeConfig(const RedisReply& reply, RedisFacts& facts) {
  if (reply.kind == RedisReply::Kind::kError && !absl::StartsWith(reply.text, "NOPERM")) {
    return absl::OkStatus();  // an old server takes one setting at a time; its version is judged
  }
  if (reply.kind != RedisReply::Kind::kArray) {
    return CannotReadError(reply);
  }
  for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    facts.config[reply.elements[i].text] = reply.elements[i + 1].text;
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<RedisFinding> JudgeRedis(const RedisOptions& options, const RedisFacts& facts) {
  return Judge(options, facts).Run();
}

absl::Status StatusOfFindings(const RedisOptions& options,
                              const std::vector<RedisFinding>& findings) {
  std::vector<std::string> wrong;
  for (const RedisFinding& finding : findings) {
    if (finding.severity == Severity::kError) {
      wrong.push_back(absl::StrCat(finding.setting, " is \"", finding.is, "\", should be ",
                                   finding.should, " (", finding.why, ")"));
    }
  }
  if (wrong.empty()) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStoreUnavailable,
                   absl::StrCat("Redis cannot keep what durability=", NameOf(options.durability),
                                " promises: ", absl::StrJoin(wrong, "; "),
                                "; change its configuration, or the durability in --store"));
}

RedisNodeCheck MakeRedisNodeCheck(const RedisOptions& options) {
  return [options](
             const std::function<absl::StatusOr<RedisReply>(const std::vector<std::string>&)>& run)
             -> absl::Status {
    RedisFacts facts;
    SB_ASSIGN_OR_RETURN(const RedisReply info, run(InfoCommand()));
    SB_RETURN_IF_ERROR(TakeInfo(info, facts));
    SB_ASSIGN_OR_RETURN(const RedisReply config, run(ConfigCommand()));
    SB_RETURN_IF_ERROR(TakeConfig(config, facts));
    return StatusOfFindings(options, JudgeRedis(options, facts));
  };
}

absl::StatusOr<std::vector<RedisFinding>> CheckRedis(const RedisOptions& options,
                                                     const Context& context) {
  SB_ASSIGN_OR_RETURN(const std::unique_ptr<RedisRouter> router,
                      MakeRedisRouter(options, /*check=*/nullptr));
  std::map<std::string, RedisFacts> servers;
  SB_ASSIGN_OR_RETURN(const auto infos, router->RunOnPrimaries(context, InfoCommand()));
  for (const RedisRouter::NodeReply& node : infos) {
    SB_RETURN_IF_ERROR(TakeInfo(node.reply, servers[node.address]));
  }
  SB_ASSIGN_OR_RETURN(const auto configs, router->RunOnPrimaries(context, ConfigCommand()));
  for (const RedisRouter::NodeReply& node : configs) {
    SB_RETURN_IF_ERROR(TakeConfig(node.reply, servers[node.address]));
  }
  std::vector<RedisFinding> findings;
  for (const auto& [address, facts] : servers) {
    for (RedisFinding& finding : JudgeRedis(options, facts)) {
      finding.server = address;
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace securebase::storage
