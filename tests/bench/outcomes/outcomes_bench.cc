// What submissions and polls cost on a SQLite store, and that they do not cost more as history and
// practice grow.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/projection.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::outcomes {
namespace {

constexpr int kCaseload = 30;  // episodes per clinician

template <typename T>
T Require(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "%s\n", result.status().ToString().c_str());
    exit(1);
  }
  return *std::move(result);
}

// A practice of `episodes` clients, each with `history` weekly PHQ-9.
class Practice {
 public:
  Practice(int episodes, int history) {
    storage::SqliteOptions options;
    options.path = folder_.PathOf("bench.db");
    store_ = Require(storage::MakeSqliteStore(options, clock_));
    access_ = std::make_unique<episodes::LocalAccess>(*store_);
    database_ = std::make_unique<records::Database>(
        records::DatabaseOptions{store_.get(), access_.get(), nullptr, &ids_});
    projections_ = std::make_unique<Projections>(*store_, catalogue_);
    handlers_ = std::make_unique<OutcomeHandlers>(*database_, catalogue_, *projections_);
    episodes::EpisodeHandlers episode_handlers(*database_, *access_);
    for (int i = 0; i < episodes; ++i) {
      episodes::v1::CreateEpisodeRequest request;
      request.set_parent("practices/p1");
      request.set_episode_id(absl::StrCat("e", i));
      episodes::v1::Episode& episode = *request.mutable_episode();
      episode.set_kind(episodes::v1::EPISODE_KIND_INDIVIDUAL);
      episodes::v1::Participant& client = *episode.add_participants();
      client.set_id(absl::StrCat("c", i));
      client.set_patient(absl::StrCat("ehr-", i));
      client.set_role(episodes::v1::PARTICIPANT_ROLE_CLIENT);
      client.set_age_group(episodes::v1::AGE_GROUP_ADULT);
      episodes::v1::CareTeamMember& lead = *episode.add_care_team();
      lead.set_staff(absl::StrCat("dr-", i / kCaseload));
      lead.set_role(episodes::v1::CARE_TEAM_ROLE_LEAD_CLINICIAN);
      Require(episode_handlers.CreateEpisode(System(), request));
    }
    for (int week = 0; week < history; ++week) {
      clock_.Advance(absl::Hours(24 * 7));
      for (int i = 0; i < episodes; ++i) {
        Submit(i);
      }
    }
  }

  void Submit(int episode, absl::Duration ago = absl::ZeroDuration()) {
    v1::SubmitAssessmentRequest request;
    request.set_parent("practices/p1");
    v1::Assessment& assessment = *request.mutable_assessment();
    assessment.set_episode(absl::StrCat("practices/p1/episodes/e", episode));
    assessment.set_instrument("practices/p1/instruments/phq-9");
    assessment.set_subject(absl::StrCat("c", episode));
    assessment.set_informant(assessment.subject());
    for (int item = 1; item <= 9; ++item) {
      v1::Answer& answer = *assessment.add_answers();
      answer.set_item(absl::StrCat(item));
      answer.set_value(item == 9 ? 0 : 1);
    }
    *assessment.mutable_answered_time() = api::ToProto(clock_.Now() - ago);
    Require(handlers_->SubmitAssessment(System(), request));
  }

  v1::GetCaseloadResponse Poll(const std::string& known_etag) {
    v1::GetCaseloadRequest request;
    request.set_parent("practices/p1");
    request.set_known_etag(known_etag);
    return Require(handlers_->GetCaseload(CallOf(auth::PrincipalKind::kStaff, "dr-0"), request));
  }

  void LoadCold() {
    Projections cold(*store_, catalogue_);
    const absl::Status status =
        cold.Read(System(), [](const PracticeFold& fold, const storage::Position&) {
          benchmark::DoNotOptimize(fold.open_episodes().size());
        });
    if (!status.ok()) {
      exit(1);
    }
  }

  testing::FakeClock& clock() { return clock_; }

 private:
  api::Call System() { return CallOf(auth::PrincipalKind::kSystem, "ehr"); }
  api::Call CallOf(auth::PrincipalKind kind, const std::string& subject) {
    api::Call call;
    call.principal.practice = "p1";
    call.principal.kind = kind;
    call.principal.subject = subject;
    call.method = "/bench";
    call.time = clock_.Now();
    call.deadline = absl::InfiniteFuture();
    return call;
  }

  testing::TemporaryFolder folder_;
  testing::FakeClock clock_;
  UuidGenerator ids_;
  Catalogue catalogue_ = Require(BuiltInCatalogue());
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<episodes::LocalAccess> access_;
  std::unique_ptr<records::Database> database_;
  std::unique_ptr<Projections> projections_;
  std::unique_ptr<OutcomeHandlers> handlers_;
};

void BM_SubmitNewest(benchmark::State& state) {
  Practice practice(1, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    practice.clock().Advance(absl::Hours(1));
    practice.Submit(0);
  }
}
// A series holds 1,000 at most, so the number of runs is given.
BENCHMARK(BM_SubmitNewest)
    ->Arg(1)
    ->Arg(100)
    ->Arg(900)
    ->Iterations(90)
    ->Unit(benchmark::kMicrosecond);

void BM_SubmitLate(benchmark::State& state) {
  Practice practice(1, static_cast<int>(state.range(0)));
  for (auto _ : state) {
    practice.Submit(0, absl::Hours(24 * 3));
  }
}
BENCHMARK(BM_SubmitLate)->Arg(1)->Arg(100)->Arg(900)->Iterations(50)->Unit(benchmark::kMicrosecond);

void BM_PollUnchanged(benchmark::State& state) {
  Practice practice(static_cast<int>(state.range(0)), 4);
  const std::string etag = practice.Poll("").etag();
  for (auto _ : state) {
    benchmark::DoNotOptimize(practice.Poll(etag));
  }
}
BENCHMARK(BM_PollUnchanged)->Arg(30)->Arg(3000)->Iterations(100000)->Unit(benchmark::kMicrosecond);

void BM_PollAfterASubmission(benchmark::State& state) {
  Practice practice(static_cast<int>(state.range(0)), 4);
  std::string etag = practice.Poll("").etag();
  for (auto _ : state) {
    state.PauseTiming();
    practice.clock().Advance(absl::Hours(1));
    practice.Submit(0);
    state.ResumeTiming();
    etag = practice.Poll(etag).etag();
  }
}
BENCHMARK(BM_PollAfterASubmission)
    ->Arg(30)
    ->Arg(3000)
    ->Iterations(200)
    ->Unit(benchmark::kMicrosecond);

void BM_LoadPractice(benchmark::State& state) {
  Practice practice(static_cast<int>(state.range(0)), 4);
  for (auto _ : state) {
    practice.LoadCold();
  }
}
BENCHMARK(BM_LoadPractice)->Arg(30)->Arg(3000)->Iterations(10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace securebase::outcomes
