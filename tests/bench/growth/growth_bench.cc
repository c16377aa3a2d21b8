// What calls cost as a practice's history grows, with the same number of open episodes:
//
//   bench_growth [--assessments=10000,100000,1000000] [--rounds=5] [--folder=DIR]
//
// Makes a practice of each size through the handlers, in SQLite, and then measures the same calls
// on all of them in turn, so that whatever else the machine does hits every size alike. Prints
// medians of CPU time (the whole process's) and of elapsed time, and how the largest compares with
// the smallest. --folder keeps the databases there, and uses them again the next time.

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "services/episodes/handlers/episode_handlers.h"
#include "services/episodes/records/local_access.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/records/timed_work.h"
#include "services/platform/api/page_token.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/keyring.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/records/database.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::outcomes {
namespace {

constexpr int kOpenEpisodes = 300;
constexpr int kClinicians = 10;
// Ten weekly PHQ-9 and GAD-7 of one client: two series.
constexpr int kPerEpisode = 20;
constexpr int kPerBatch = 10;  // as many as BatchSubmitAssessments takes
constexpr int kLoaders = 16;   // they share the store's syncs
constexpr char kPractice[] = "practices/p1";
constexpr char kScheduled[] = "phq-9";

template <typename T>
T Require(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fprintf(stderr, "bench_growth: %s\n", result.status().ToString().c_str());
    exit(1);
  }
  return *std::move(result);
}

void Require(const absl::Status& status) {
  if (!status.ok()) {
    fprintf(stderr, "bench_growth: %s\n", status.ToString().c_str());
    exit(1);
  }
}

double CpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Bytes that are allocated, by all arenas and by mmap.
int64_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

// Ordered as they were made, as the server's own ids are.
std::string OpenId(int number) { return absl::StrFormat("open-%05d", number); }
std::string ClosedId(int number) { return absl::StrFormat("closed-%08d", number); }

// One practice of `assessments`, 300 of its episodes open.
class World {
 public:
  World(const std::string& folder, int assessments) : assessments_(assessments) {
    const std::string keyring = absl::StrCat(folder, "/keyring-", assessments);
    if (!std::filesystem::exists(keyring)) {
      Require(auth::WritePrivateFile(keyring, auth::GenerateKeyring(clock_.Now())));
    }
    keyring_ = Require(auth::OpenKeyringFile(keyring, clock_, nullptr));
    page_tokens_ = std::make_unique<api::PageTokens>(*keyring_);
    options_.path = absl::StrCat(folder, "/", assessments, ".db");
    const bool loaded = std::filesystem::exists(absl::StrCat(options_.path, ".loaded"));
    if (!loaded) {
      options_.synchronous = storage::SqliteOptions::Synchronous::kOff;
      Open();
      Load();
      Close();
      Require(auth::WritePrivateFile(absl::StrCat(options_.path, ".loaded"), "\n"));
      options_.synchronous = storage::SqliteOptions::Synchronous::kFull;
    }
    Open();
    // After all that was loaded, however long ago that was.
    const auto newest = Require(store_->Scan(
        {}, {"p1", "assessment-by-episode", absl::StrCat(OpenId(0), "\x01"), "", "", true, 1}));
    const auto read = Require(records::internal::OpenRecord(newest.rows[0].record));
    const v1::Assessment last = Require(records::internal::Parse<v1::Assessment>(read, "last"));
    clock_.Set(std::max(clock_.Now(), api::FromProto(last.update_time())) + absl::Hours(24));
  }

  int assessments() const { return assessments_; }
  storage::Store& store() { return *store_; }
  testing::FakeClock& clock() { return clock_; }
  OutcomeHandlers& handlers() { return *handlers_; }
  episodes::EpisodeHandlers& episode_handlers() { return *episode_handlers_; }
  const records::Database& database() { return *database_; }
  const Catalogue& catalogue() { return catalogue_; }
  IdGenerator& ids() { return ids_; }

  api::Call System() { return CallOf(auth::PrincipalKind::kSystem, "ehr"); }
  api::Call Staff() { return CallOf(auth::PrincipalKind::kStaff, "dr-0"); }

  void Submit(const std::string& episode, const std::string& instrument, int value) {
    v1::SubmitAssessmentRequest request;
    request.set_parent(kPractice);
    request.set_request_id(ids_.NewId());
    *request.mutable_assessment() = MakeAssessment(episode, instrument, value, clock_.Now());
    Require(handlers_->SubmitAssessment(System(), request));
  }

  // An episode of the open ones, the next at each call; the first clinician's alone if `own`.
  std::string NextEpisode(bool own) {
    const int number = next_++;
    return OpenId(own ? number % (kOpenEpisodes / kClinicians) * kClinicians
                      : number % kOpenEpisodes);
  }

  void OpenEpisode(const std::string& id, int clinician) {
    episodes::v1::CreateEpisodeRequest request;
    request.set_parent(kPractice);
    request.set_episode_id(id);
    episodes::v1::Episode& episode = *request.mutable_episode();
    episode.set_kind(episodes::v1::EPISODE_KIND_INDIVIDUAL);
    episodes::v1::Participant& client = *episode.add_participants();
    client.set_id("client");
    client.set_patient(absl::StrCat("ehr-", id));
    client.set_role(episodes::v1::PARTICIPANT_ROLE_CLIENT);
    client.set_age_group(episodes::v1::AGE_GROUP_ADULT);
    episodes::v1::CareTeamMember& lead = *episode.add_care_team();
    lead.set_staff(absl::StrCat("dr-", clinician));
    lead.set_role(episodes::v1::CARE_TEAM_ROLE_LEAD_CLINICIAN);
    episode.add_problems()->set_code(absl::StrCat("problem-", clinician % 3));
    Require(episode_handlers_->CreateEpisode(System(), request));
  }

  void CloseEpisode(const std::string& id, episodes::v1::EpisodeStatus status) {
    episodes::v1::TransitionEpisodeRequest request;
    request.set_name(NameOf(id));
    request.set_status(status);
    Require(episode_handlers_->TransitionEpisode(System(), request));
  }

  static std::string NameOf(const std::string& episode) {
    return absl::StrCat(kPractice, "/episodes/", episode);
  }

 private:
  static std::string InstrumentName(const std::string& id) {
    return absl::StrCat(kPractice, "/instruments/", id);
  }

  // The answers are about `value`, a number from 0 to 3.
  v1::Assessment MakeAssessment(const std::string& episode, const std::string& instrument,
                                int value, absl::Time answered) {
    const v1::InstrumentDefinition* definition = catalogue_.Find(instrument);
    v1::Assessment assessment;
    assessment.set_episode(NameOf(episode));
    assessment.set_instrument(InstrumentName(instrument));
    assessment.set_subject("client");
    assessment.set_informant("client");
    for (int i = 0; i < definition->items_size(); ++i) {
      v1::Answer& answer = *assessment.add_answers();
      answer.set_item(definition->items(i).id());
      // The risk item of PHQ-9 is its ninth: rarely answered so that it makes an alert.
      answer.set_value(instrument == kScheduled && i == 8 ? 0 : std::min(3, value + i % 2));
    }
    *assessment.mutable_answered_time() = api::ToProto(answered);
    return assessment;
  }

  void Fill(const std::string& episode, int number) {
    const absl::Time start = clock_.Now() - absl::Hours(24 * 7 * (kPerEpisode / 2 + 1));
    v1::BatchSubmitAssessmentsRequest request;
    request.set_parent(kPractice);
    for (int i = 0; i < kPerEpisode; ++i) {
      const int week = i / 2;
      // Most get better, some do not.
      const int value = number % 4 == 0 ? 2 : std::max(0, 2 - week / 4);
      *request.add_submissions()->mutable_assessment() = MakeAssessment(
          episode, i % 2 == 0 ? kScheduled : "gad-7", value, start + absl::Hours(24 * 7 * week));
      if (request.submissions_size() == kPerBatch || i + 1 == kPerEpisode) {
        Require(handlers_->BatchSubmitAssessments(System(), request));
        request.clear_submissions();
      }
    }
  }

  void LoadOne(int number, int episodes) {
    const bool open = number >= episodes - kOpenEpisodes;
    const int index = open ? number - (episodes - kOpenEpisodes) : number;
    const std::string id = open ? OpenId(index) : ClosedId(index);
    OpenEpisode(id, index % kClinicians);
    if (open) {
      v1::CreateScheduleRequest request;
      request.set_parent(kPractice);
      v1::Schedule& schedule = *request.mutable_schedule();
      schedule.set_episode(NameOf(id));
      schedule.set_instrument(InstrumentName(kScheduled));
      schedule.set_subject("client");
      schedule.set_informant("client");
      Require(handlers_->CreateSchedule(System(), request));
    }
    Fill(id, index);
    if (!open) {
      CloseEpisode(id, episodes::v1::EPISODE_STATUS_FINISHED);
    }
  }

  void Load() {
    const int episodes = assessments_ / kPerEpisode;
    const absl::Time begin = absl::Now();
    // A day at a time.
    constexpr int kStep = 200;
    for (int first = 0; first < episodes; first += kStep) {
      clock_.Advance(absl::Hours(24));
      std::vector<std::thread> loaders;
      for (int loader = 0; loader < kLoaders; ++loader) {
        loaders.emplace_back([&, loader] {
          for (int i = first + loader; i < std::min(first + kStep, episodes); i += kLoaders) {
            LoadOne(i, episodes);
          }
        });
      }
      for (std::thread& loader : loaders) {
        loader.join();
      }
      if (first / kStep % 25 == 24) {
        printf("loading %d: %d of %d episodes, %.0f s\n", assessments_, first + kStep, episodes,
               absl::ToDoubleSeconds(absl::Now() - begin));
      }
    }
    printf("loaded %d assessments in %.0f s\n", assessments_,
           absl::ToDoubleSeconds(absl::Now() - begin));
  }

  void Open() {
    store_ = Require(storage::MakeSqliteStore(options_, clock_));
    access_ = std::make_unique<episodes::LocalAccess>(*store_);
    database_ = std::make_unique<records::Database>(
        records::DatabaseOptions{store_.get(), access_.get(), page_tokens_.get(), &ids_});
    projections_ = std::make_unique<Projections>(*store_, catalogue_);
    handlers_ = std::make_unique<OutcomeHandlers>(*database_, catalogue_, *projections_);
    episode_handlers_ = std::make_unique<episodes::EpisodeHandlers>(*database_, *access_);
  }

  void Close() {
    Require(store_->Close());
    store_.reset();
  }

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

  const int assessments_;
  testing::FakeClock clock_{absl::FromUnixSeconds(1451638800)};  // 2016-01-01 09:00 UTC
  UuidGenerator ids_;
  Catalogue catalogue_ = Require(BuiltInCatalogue());
  storage::SqliteOptions options_;
  std::unique_ptr<auth::KeyringFile> keyring_;
  std::unique_ptr<api::PageTokens> page_tokens_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<episodes::LocalAccess> access_;
  std::unique_ptr<records::Database> database_;
  std::unique_ptr<Projections> projections_;
  std::unique_ptr<OutcomeHandlers> handlers_;
  std::unique_ptr<episodes::EpisodeHandlers> episode_handlers_;
  int next_ = 0;
};

// Time that only `Measured` spends; what a call needs before it is not counted.
class Stopwatch {
 public:
  template <typename Body>
  void Measured(const Body& body) {
    const double cpu = CpuSeconds();
    const absl::Time begin = absl::Now();
    body();
    cpu_ += CpuSeconds() - cpu;
    elapsed_ += absl::ToDoubleSeconds(absl::Now() - begin);
    ++calls_;
  }
  double cpu_micros() const { return cpu_ * 1e6 / calls_; }
  double elapsed_micros() const { return elapsed_ * 1e6 / calls_; }

 private:
  double cpu_ = 0;
  double elapsed_ = 0;
  int calls_ = 0;
};

struct Measurement {
  std::string name;
  int calls;                                    // in one round
  std::function<void(World&, Stopwatch&)> run;  // one call
};

v1::GetCaseloadResponse Caseload(World& world, const api::Call& call, const std::string& etag) {
  v1::GetCaseloadRequest request;
  request.set_parent(kPractice);
  request.set_known_etag(etag);
  return Require(world.handlers().GetCaseload(call, request));
}

v1::GetPracticeSummaryResponse Summary(World& world, const std::string& etag) {
  v1::GetPracticeSummaryRequest request;
  request.set_parent(kPractice);
  request.set_instrument(absl::StrCat(kPractice, "/instruments/", kScheduled));
  request.set_dimension(v1::SUMMARY_DIMENSION_CLINICIAN);
  request.set_known_etag(etag);
  return Require(world.handlers().GetPracticeSummary(world.System(), request));
}

void SubmitOne(World& world, bool own) {
  world.clock().Advance(absl::Minutes(10));
  world.Submit(world.NextEpisode(own), kScheduled, 1);
}

std::string SeriesOf(World& world, const std::string& episode) {
  v1::ListSeriesRequest request;
  request.set_parent(kPractice);
  request.set_episode(World::NameOf(episode));
  return Require(world.handlers().ListSeries(world.Staff(), request)).series(0).name();
}

std::vector<Measurement> Measurements() {
  return {
      {"poll a caseload of 30, nothing changed", 2000,
       [](World& world, Stopwatch& watch) {
         static std::map<World*, std::string> etags;
         std::string& etag = etags[&world];
         etag = Caseload(world, world.Staff(), etag).etag();
         watch.Measured([&] { Caseload(world, world.Staff(), etag); });
       }},
      {"poll a caseload of 30, after a submission", 100,
       [](World& world, Stopwatch& watch) {
         SubmitOne(world, /*own=*/true);
         watch.Measured([&] { Caseload(world, world.Staff(), ""); });
       }},
      {"poll a caseload of 30, after an episode closed", 20,
       [](World& world, Stopwatch& watch) {
         const std::string episode = world.NextEpisode(/*own=*/true);
         world.CloseEpisode(episode, episodes::v1::EPISODE_STATUS_FINISHED);
         watch.Measured([&] { Caseload(world, world.Staff(), ""); });
         world.CloseEpisode(episode, episodes::v1::EPISODE_STATUS_ACTIVE);
         Caseload(world, world.Staff(), "");
       }},
      {"poll the practice's caseload, after a submission", 20,
       [](World& world, Stopwatch& watch) {
         SubmitOne(world, /*own=*/false);
         watch.Measured([&] { Caseload(world, world.System(), ""); });
       }},
      {"poll the practice summary, after a submission", 20,
       [](World& world, Stopwatch& watch) {
         SubmitOne(world, /*own=*/false);
         watch.Measured([&] { Summary(world, ""); });
       }},
      {"poll the practice summary, after an episode closed", 5,
       [](World& world, Stopwatch& watch) {
         const std::string episode = world.NextEpisode(/*own=*/false);
         world.CloseEpisode(episode, episodes::v1::EPISODE_STATUS_FINISHED);
         watch.Measured([&] { Summary(world, ""); });
         world.CloseEpisode(episode, episodes::v1::EPISODE_STATUS_ACTIVE);
         Summary(world, "");
       }},
      {"read a series with a page of its points", 100,
       [](World& world, Stopwatch& watch) {
         v1::GetSeriesRequest request;
         // Episodes whose series no other measurement makes longer.
         request.set_name(SeriesOf(world, ClosedId(0)));
         request.set_page_size(20);
         watch.Measured([&] { Require(world.handlers().GetSeries(world.Staff(), request)); });
       }},
      {"list an episode's latest assessments", 100,
       [](World& world, Stopwatch& watch) {
         v1::ListAssessmentsRequest request;
         request.set_parent(kPractice);
         request.set_episode(World::NameOf(ClosedId(10)));
         request.set_page_size(20);
         watch.Measured([&] { Require(world.handlers().ListAssessments(world.Staff(), request)); });
       }},
      {"list the practice's newest alerts", 100,
       [](World& world, Stopwatch& watch) {
         v1::ListAlertsRequest request;
         request.set_parent(kPractice);
         request.set_page_size(20);
         watch.Measured([&] { Require(world.handlers().ListAlerts(world.System(), request)); });
       }},
      {"list what is due", 50,
       [](World& world, Stopwatch& watch) {
         v1::ListDueAssessmentsRequest request;
         request.set_parent(kPractice);
         request.set_page_size(20);
         watch.Measured(
             [&] { Require(world.handlers().ListDueAssessments(world.System(), request)); });
       }},
      {"submit an assessment", 100,
       [](World& world, Stopwatch& watch) {
         world.clock().Advance(absl::Minutes(10));
         const std::string episode = world.NextEpisode(/*own=*/false);
         watch.Measured([&] { world.Submit(episode, kScheduled, 1); });
       }},
      {"raw: the journal's position", 2000,
       [](World& world, Stopwatch& watch) {
         watch.Measured([&] { Require(world.store().GetPosition({}, "p1")); });
       }},
      {"raw: read a record", 1000,
       [](World& world, Stopwatch& watch) {
         static int number = 0;
         const std::string id = absl::StrCat(
             "episodes/",
             ClosedId(number++ * 7919 % (world.assessments() / kPerEpisode - kOpenEpisodes)));
         watch.Measured([&] { Require(world.store().Get({}, "p1", {"episode", id})); });
       }},
      {"raw: scan 20 rows of an index", 100,
       [](World& world, Stopwatch& watch) {
         storage::ScanRequest request;
         request.practice = "p1";
         request.index = "assessment-by-episode";
         request.prefix = records::SortKey({ClosedId(10), ""});
         request.limit = 20;
         watch.Measured([&] { Require(world.store().Scan({}, request)); });
       }},
      {"raw: write a batch as a submission's", 100,
       [](World& world, Stopwatch& watch) {
         storage::Batch batch;
         batch.practice = "beside";  // its journal holds no names
         const std::string id = world.ids().NewId();
         batch.expectations = {{{"bench", id}, 0}};
         // Sizes as SubmitAssessment has them: assessment, series, schedule.
         for (const auto& [kind, bytes, entries] :
              {std::tuple{"bench-a", 1200, 2}, {"bench-s", 1500, 2}, {"bench-c", 700, 5}}) {
           storage::Put put{{kind, id}, std::string(static_cast<size_t>(bytes), 'x'), {}};
           for (int i = 0; i < entries; ++i) {
             put.index.push_back({absl::StrCat(kind, i), id});
           }
           batch.puts.push_back(std::move(put));
           batch.journal.push_back(std::string(100, 'j'));
         }
         batch.audit = {std::string(250, 'a')};
         batch.idempotency = storage::IdempotencyKey{id, "fingerprint", std::string(2000, 'r'),
                                                     world.clock().Now() + absl::Hours(24 * 14)};
         watch.Measured([&] { Require(world.store().Apply({}, batch)); });
       }},
  };
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Figures {
  std::vector<double> cpu;
  std::vector<double> elapsed;
};

std::string FormatMicros(double micros) {
  return micros < 10    ? absl::StrFormat("%.2f", micros)
         : micros < 100 ? absl::StrFormat("%.1f", micros)
                        : absl::StrFormat("%.0f", micros);
}

void PrintTable(const std::vector<std::unique_ptr<World>>& worlds,
                const std::vector<Measurement>& measurements,
                const std::vector<std::vector<Figures>>& figures) {
  for (const bool cpu : {true, false}) {
    printf("\n%-52s", cpu ? "CPU, microseconds per call" : "elapsed, microseconds per call");
    for (const auto& world : worlds) {
      printf(" %10d", world->assessments());
    }
    printf(" %8s\n", "ratio");
    for (size_t i = 0; i < measurements.size(); ++i) {
      printf("%-52s", measurements[i].name.c_str());
      std::vector<double> medians;
      for (const Figures& one : figures[i]) {
        medians.push_back(Median(cpu ? one.cpu : one.elapsed));
        printf(" %10s", FormatMicros(medians.back()).c_str());
      }
      printf(" %8.2f\n", medians.back() / medians.front());
    }
  }
}

// Loads a practice's dashboards as a new process does on the first poll, and says what that costs.
// What the projection holds is what is free again when it is gone; caches of the store stay.
void MeasureLoad(World& world) {
  auto cold = std::make_unique<Projections>(world.store(), world.catalogue());
  const double cpu = CpuSeconds();
  const absl::Time begin = absl::Now();
  size_t series = 0;
  Require(cold->Read(world.System(), [&](const PracticeFold& fold, const storage::Position&) {
    series = fold.series_count();
  }));
  const double elapsed = absl::ToDoubleSeconds(absl::Now() - begin);
  const double spent = CpuSeconds() - cpu;
  const int64_t with = AllocatedBytes();
  cold.reset();
  const auto bytes = static_cast<double>(with - AllocatedBytes());
  printf("%10d assessments: %6zu series in %5.2f s (%.2f s CPU), %5.1f MiB, %.0f bytes a series\n",
         world.assessments(), series, elapsed, spent, bytes / (1 << 20),
         bytes / static_cast<double>(series));
}

int Main(std::vector<int> sizes, int rounds, std::string folder) {
  std::optional<testing::TemporaryFolder> temporary;
  if (folder.empty()) {
    folder = temporary.emplace().path();
  }
  std::vector<std::unique_ptr<World>> worlds;
  for (const int size : sizes) {
    worlds.push_back(std::make_unique<World>(folder, size));
  }
  printf("first poll of a practice, %d episodes open in each:\n", kOpenEpisodes);
  for (const auto& world : worlds) {
    MeasureLoad(*world);
  }
  const std::vector<Measurement> measurements = Measurements();
  std::vector<std::vector<Figures>> figures(measurements.size(),
                                            std::vector<Figures>(worlds.size()));
  for (int round = 0; round <= rounds; ++round) {
    for (size_t i = 0; i < measurements.size(); ++i) {
      for (size_t j = 0; j < worlds.size(); ++j) {
        // Nobody is behind: what the other measurements wrote is not counted in this one.
        Caseload(*worlds[j], worlds[j]->Staff(), "");
        Summary(*worlds[j], "");
        Stopwatch watch;
        for (int call = 0; call < measurements[i].calls; ++call) {
          measurements[i].run(*worlds[j], watch);
        }
        if (round > 0) {  // the first one fills caches
          figures[i][j].cpu.push_back(watch.cpu_micros());
          figures[i][j].elapsed.push_back(watch.elapsed_micros());
        }
      }
    }
    printf("round %d of %d\n", round, rounds);
  }
  PrintTable(worlds, measurements, figures);
  return 0;
}

}  // namespace
}  // namespace securebase::outcomes

int main(int argc, char** argv) {
  std::vector<int> sizes = {10'000, 100'000, 1'000'000};
  int rounds = 5;
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    bool understood = false;
    if (absl::ConsumePrefix(&argument, "--assessments=")) {
      sizes.clear();
      understood = true;
      for (const absl::string_view size : absl::StrSplit(argument, ',')) {
        sizes.emplace_back();
        understood = understood && absl::SimpleAtoi(size, &sizes.back()) && sizes.back() >= 7'000;
      }
    } else if (absl::ConsumePrefix(&argument, "--rounds=")) {
      understood = absl::SimpleAtoi(argument, &rounds) && rounds > 0;
    } else if (absl::ConsumePrefix(&argument, "--folder=")) {
      folder = std::string(argument);
      understood = !folder.empty();
    }
    if (!understood) {
      fprintf(stderr, "bench_growth: cannot use %s; sizes are 7,000 or more\n", argv[i]);
      return 1;
    }
  }
  setvbuf(stdout, nullptr, _IOLBF, 0);
  return securebase::outcomes::Main(std::move(sizes), rounds, std::move(folder));
}
