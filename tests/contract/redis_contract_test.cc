#include <atomic>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "services/platform/storage/redis_check.h"
#include "services/platform/storage/redis_store.h"
#include "tests/contract/store_contract.h"
#include "tests/testing/redis_server.h"

// Real servers, one set of each kind for the whole program: a test takes a prefix of its own.
namespace securebase::storage {
namespace {

using securebase::testing::RedisCluster;
using securebase::testing::RedisReplication;
using securebase::testing::RedisServer;
using securebase::testing::RedisTls;

// A fixture that cannot be made is no result of the test.
template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    abort();
  }
  return *std::move(result);
}

class RedisHome : public StoreHome {
 public:
  explicit RedisHome(const std::string& url) : options_(OrDie(ParseRedisUrl(url))) {
    static std::atomic<int> homes = 0;
    options_.prefix = absl::StrCat("test", ++homes);
  }

  std::unique_ptr<Store> Open(const Clock& clock) override {
    RedisStoreOptions options;
    options.prefix = options_.prefix;
    options.durability = options_.durability;
    options.clock = &clock;
    return OrDie(
        MakeRedisStore(OrDie(MakeRedisRouter(options_, MakeRedisNodeCheck(options_))), options));
  }

 private:
  RedisOptions options_;
};

std::string StandaloneUrl() {
  static const auto server = OrDie(RedisServer::Start({}));
  return absl::StrCat("redis://", server->host_and_port());
}

std::string TlsUrl() {
  static const auto tls = OrDie(RedisTls::Make());
  static const auto server = [] {
    securebase::testing::RedisServerOptions options;
    options.tls = tls;
    return OrDie(RedisServer::Start(options));
  }();
  return absl::StrCat("rediss://", server->host_and_port(), "?ca=", tls->ca_file(),
                      "&certificate=", tls->client_certificate_file(),
                      "&key=", tls->client_key_file());
}

std::string SentinelUrl() {
  static const auto servers = OrDie(RedisReplication::Start({}));
  return absl::StrCat("redis+sentinel://", servers->sentinel_addresses(), "/",
                      RedisReplication::kPrimaryName, "?replicas=", servers->servers().size() - 1);
}

std::string ClusterUrl() {
  static const auto cluster = OrDie(RedisCluster::Start({}));
  return absl::StrCat("redis+cluster://", cluster->addresses(), "?replicas=1");
}

StoreBackend BackendOf(const std::string& name, std::string (*url)()) {
  return {name, [url] { return std::make_unique<RedisHome>(url()); }};
}

const auto kEveryRedis = ::testing::Values(
    BackendOf("Redis", StandaloneUrl), BackendOf("RedisTls", TlsUrl),
    BackendOf("RedisSentinel", SentinelUrl), BackendOf("RedisCluster", ClusterUrl));

INSTANTIATE_TEST_SUITE_P(Contract, StoreContract, kEveryRedis, BackendName);
INSTANTIATE_TEST_SUITE_P(Contract, DurableStoreContract, kEveryRedis, BackendName);
INSTANTIATE_TEST_SUITE_P(Contract, SharedStoreContract, kEveryRedis, BackendName);

}  // namespace
}  // namespace securebase::storage
