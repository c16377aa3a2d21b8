// What it costs to know who may see what, on a SQLite store: with a view that is remembered, and
// with one that a change has ended. The argument is the caseload.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>

#include "services/episodes/records/kinds.h"
#include "services/episodes/records/local_access.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/id.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::episodes {
namespace {

template <typename T>
T Require(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    exit(1);
  }
  return *std::move(result);
}

// A practice of `caseload` couples treated by dr-lee, each with 20 consents.
class Practice {
 public:
  explicit Practice(int caseload) {
    storage::SqliteOptions options;
    options.path = folder_.PathOf("bench.db");
    store_ = Require(storage::MakeSqliteStore(options, clock_));
    access_ = std::make_unique<LocalAccess>(*store_);
    database_ = std::make_unique<records::Database>(
        records::DatabaseOptions{store_.get(), access_.get(), nullptr, &ids_});
    for (int i = 0; i < caseload; ++i) {
      Add(i);
    }
  }

  void Add(int number) {
    const api::Call call = CallOf(auth::PrincipalKind::kSystem);
    Require(database_->Transact<v1::Episode>(
        call, v1::Episode(), [&](records::Write& write) -> absl::StatusOr<v1::Episode> {
          v1::Episode episode;
          episode.set_name(absl::StrCat("practices/p1/episodes/e", number));
          episode.add_care_team()->set_staff("dr-lee");
          for (const char* partner : {"a", "b"}) {
            v1::Participant& participant = *episode.add_participants();
            participant.set_id(absl::StrCat(partner, number));
            participant.set_patient(absl::StrCat("ehr-", partner, number));
            participant.set_age_group(v1::AGE_GROUP_ADULT);
          }
          SB_ASSIGN_OR_RETURN(episode, write.Create(EpisodeKind(), episode));
          for (int i = 0; i < 20; ++i) {
            v1::Consent consent;
            consent.set_name(absl::StrCat(episode.name(), "/consents/c", i));
            consent.set_grantor(episode.participants(1).id());
            consent.set_subject(episode.participants(1).id());
            consent.set_recipient(episode.participants(0).id());
            consent.set_capacity(v1::CONSENT_CAPACITY_SELF);
            consent.set_purpose(v1::CONSENT_PURPOSE_DISCLOSURE);
            consent.set_status(v1::CONSENT_STATUS_ACTIVE);
            SB_RETURN_IF_ERROR(write.Create(ConsentKind(), consent).status());
          }
          return episode;
        }));
  }

  api::Call CallOf(auth::PrincipalKind kind) {
    api::Call call;
    call.principal.practice = "p1";
    call.principal.kind = kind;
    call.principal.subject = kind == auth::PrincipalKind::kStaff ? "dr-lee" : "somebody";
    call.principal.patient = kind == auth::PrincipalKind::kParticipant ? "ehr-a0" : "";
    call.time = clock_.Now();
    call.deadline = absl::InfiniteFuture();
    return call;
  }

  // What nothing has been remembered by.
  std::unique_ptr<LocalAccess> NewAccess() { return std::make_unique<LocalAccess>(*store_); }
  LocalAccess& access() { return *access_; }

 private:
  testing::TemporaryFolder folder_;
  SystemClock clock_;
  UuidGenerator ids_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<LocalAccess> access_;
  std::unique_ptr<records::Database> database_;
};

void StaffRemembered(benchmark::State& state) {
  Practice practice(static_cast<int>(state.range(0)));
  const api::Call call = practice.CallOf(auth::PrincipalKind::kStaff);
  for (auto unused : state) {
    benchmark::DoNotOptimize(Require(practice.access().ViewFor(call)));
  }
}

void StaffComputed(benchmark::State& state) {
  Practice practice(static_cast<int>(state.range(0)));
  const api::Call call = practice.CallOf(auth::PrincipalKind::kStaff);
  for (auto unused : state) {
    benchmark::DoNotOptimize(Require(practice.NewAccess()->ViewFor(call)));
  }
}

void ParticipantComputed(benchmark::State& state) {
  Practice practice(static_cast<int>(state.range(0)));
  const api::Call call = practice.CallOf(auth::PrincipalKind::kParticipant);
  for (auto unused : state) {
    benchmark::DoNotOptimize(Require(practice.NewAccess()->ViewFor(call)));
  }
}

BENCHMARK(StaffRemembered)->Arg(30)->Arg(300)->Unit(benchmark::kMicrosecond);
BENCHMARK(StaffComputed)->Arg(30)->Arg(300)->Unit(benchmark::kMicrosecond);
BENCHMARK(ParticipantComputed)->Arg(30)->Arg(300)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace securebase::episodes
