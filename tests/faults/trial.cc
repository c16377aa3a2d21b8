#include "tests/faults/trial.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/open_store.h"
#include "tests/testing/status_matchers.h"

namespace securebase::faults {
namespace {

std::string Seconds(std::vector<absl::Duration> durations) {
  if (durations.empty()) {
    return "-";
  }
  std::sort(durations.begin(), durations.end());
  return absl::StrFormat("%.1f/%.1f", absl::ToDoubleSeconds(durations[durations.size() / 2]),
                         absl::ToDoubleSeconds(durations.back()));
}

}  // namespace

std::string RedisUrl(const std::string& scheme, const std::string& addresses,
                     const std::string& path, const securebase::testing::RedisTls* tls,
                     const std::string& parameters) {
  std::string url = scheme;
  std::vector<std::string> all;
  if (tls != nullptr) {
    url.insert(5, "s");  // after "redis"
    all.push_back(absl::StrCat("ca=", tls->ca_file()));
    all.push_back(absl::StrCat("certificate=", tls->client_certificate_file()));
    all.push_back(absl::StrCat("key=", tls->client_key_file()));
  }
  if (!parameters.empty()) {
    all.push_back(parameters);
  }
  return absl::StrCat(url, "://", addresses, path, all.empty() ? "" : "?", absl::StrJoin(all, "&"));
}

void Print(const std::string& title, const Totals& totals) {
  printf(
      "| | rounds | acknowledged | lost | doubled | violations | unknown (done) | bytes cut "
      "| failover | first write | first audited read |\n"
      "| %s | %d | %lld | %lld | %lld | %lld | %lld (%lld) | %lld | %s | %s | %s |\n"
      "(the last three: seconds, median/longest)\n",
      title.c_str(), totals.rounds, static_cast<long long>(totals.acknowledged),
      static_cast<long long>(totals.lost), static_cast<long long>(totals.doubled),
      static_cast<long long>(totals.violations), static_cast<long long>(totals.unknown),
      static_cast<long long>(totals.unknown_done), static_cast<long long>(totals.bytes_cut),
      Seconds(totals.failovers).c_str(), Seconds(totals.writes).c_str(),
      Seconds(totals.reads).c_str());
}

std::vector<std::string> Trial::Practices(const Options& options) {
  std::vector<std::string> practices;
  for (int i = 0; i < options.practices; ++i) {
    practices.push_back(absl::StrCat("round", options.seed, "-p", i));
  }
  return practices;
}

absl::StatusOr<std::unique_ptr<Trial>> Trial::Start(const Options& options) {
  std::unique_ptr<Trial> trial(new Trial());
  LoadOptions load;
  load.practices = Practices(options);
  load.seed = options.seed;
  load.deadline = options.deadline;
  for (int i = 0; i < options.replicas; ++i) {
    SB_ASSIGN_OR_RETURN(auto store, storage::OpenStore(options.url, trial->clock_));
    load.stores.push_back(store.get());
    trial->stores_.push_back(std::move(store));
  }
  trial->load_ = std::make_unique<Load>(load);
  trial->load_->Start();
  if (!trial->load_->AwaitAcknowledged(200, absl::Seconds(60))) {
    trial->load_->Stop();
    return absl::DeadlineExceededError(
        absl::StrCat("the load does not run: ", Describe(trial->load_->counts())));
  }
  return trial;
}

Trial::~Trial() { load_.reset(); }

absl::Status Trial::AwaitRecovery(absl::Time from, absl::Duration timeout, Totals& totals) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    const std::optional<absl::Time> write = load_->FirstWrite(from);
    const std::optional<absl::Time> read = load_->FirstAuditedRead(from);
    if (write.has_value() && read.has_value()) {
      totals.writes.push_back(*write - from);
      totals.reads.push_back(*read - from);
      // What was written before must also get along with what is written now.
      return load_->AwaitAcknowledged(200, absl::Seconds(60))
                 ? absl::OkStatus()
                 : absl::DeadlineExceededError("it does not go on");
    }
    if (absl::Now() >= deadline) {
      return absl::DeadlineExceededError(absl::StrCat(write.has_value() ? "" : "no write ",
                                                      read.has_value() ? "" : "no read ",
                                                      "was answered: ", Describe(load_->counts())));
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
}

void Trial::Finish(Totals& totals, bool may_lose) {
  load_->Stop();
  const absl::Status settled = load_->Settle(store(), absl::Seconds(60));
  const LoadFindings findings = load_->Check(store());
  const LoadCounts counts = load_->counts();
  ++totals.rounds;
  totals.acknowledged += counts.acknowledged;
  totals.unknown += counts.unknown;
  totals.unknown_done += counts.unknown_done;
  totals.lost += findings.lost;
  totals.doubled += findings.doubled;
  if (!may_lose) {
    totals.violations += static_cast<int64_t>(findings.violations.size());
  }
  printf("  round %d: %s\n", totals.rounds, Describe(counts).c_str());
  fflush(stdout);
  if (!may_lose) {
    EXPECT_OK(settled);
    EXPECT_EQ(findings.lost, 0);
    EXPECT_EQ(findings.doubled, 0);
    EXPECT_THAT(findings.violations, ::testing::IsEmpty());
  }
}

bool Await(const std::function<bool()>& is_true, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!is_true()) {
    if (absl::Now() >= deadline) {
      return false;
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return true;
}

void ExpectCallsEndedInTime(const LoadCounts& counts) {
  EXPECT_LE(counts.latest, absl::Milliseconds(100) + counts.machine_latest) << Describe(counts);
}

}  // namespace securebase::faults
