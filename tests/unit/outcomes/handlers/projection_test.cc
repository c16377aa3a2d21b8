// That dashboards are right, whatever happened before: random histories against several replicas,
// and against a reading of everything that is stored.

#include "services/outcomes/records/projection.h"

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/members.h"
#include "services/episodes/rules/transitions.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/schedule.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/base/resource_name.h"
#include "tests/testing/counting_store.h"
#include "tests/testing/hooked_store.h"
#include "tests/unit/outcomes/outcomes_fixture.h"

namespace securebase::outcomes {
namespace {

using testing::FromText;

constexpr int kEverything = 1 << 30;

// A process of the service: what it remembers, over a store that others write to as well.
struct Replica {
  Replica(storage::Store& to, securebase::testing::DatabaseFixture& fixture,
          const Catalogue& catalogue)
      : store(to),
        access(store),
        database({&store, &access, &fixture.page_tokens(), &fixture.ids()}),
        episode_handlers(database, access),
        projections(store, catalogue),
        handlers(database, catalogue, projections) {}

  storage::Store& store;
  episodes::LocalAccess access;
  records::Database database;
  episodes::EpisodeHandlers episode_handlers;
  Projections projections;
  OutcomeHandlers handlers;
};

std::string DumpOf(Projections& projections, const api::Call& call) {
  std::string text;
  EXPECT_OK(
      projections.Read(call, [&](const PracticeFold& fold, const storage::Position& position) {
        text = absl::StrCat(position.epoch, " ", position.sequence, "\n", fold.DebugString());
      }));
  return text;
}

class ProjectionTest : public ::testing::Test {
 protected:
  ProjectionTest() { EXPECT_OK(catalogue_); }

  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  template <typename T>
  T& PickOf(std::vector<T>& from) {
    return from[static_cast<size_t>(Pick(static_cast<int>(from.size())))];
  }

  api::Call System() { return fixture_.Call(auth::PrincipalKind::kSystem, "ehr"); }
  api::Call Staff(const std::string& staff) {
    return fixture_.Call(auth::PrincipalKind::kStaff, staff);
  }
  static std::string EpisodeName(const std::string& id) {
    return absl::StrCat("practices/p1/episodes/", id);
  }

  // A couple of two clients, of whom one is sometimes no patient of the EHR's elsewhere.
  void OpenEpisode(Replica& at, const std::string& id) {
    auto request = FromText<episodes::v1::CreateEpisodeRequest>(R"pb(
      parent: 'practices/p1'
      episode {
        kind: EPISODE_KIND_COUPLE
        participants { id: 'a' role: PARTICIPANT_ROLE_PARTNER age_group: AGE_GROUP_ADULT }
        participants { id: 'b' role: PARTICIPANT_ROLE_PARTNER age_group: AGE_GROUP_ADULT }
        care_team { role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
      }
    )pb");
    request.set_episode_id(id);
    episodes::v1::Episode& episode = *request.mutable_episode();
    // Few patients, so that some have several episodes.
    const int first = Pick(12);
    episode.mutable_participants(0)->set_patient(absl::StrCat("ehr-", first));
    episode.mutable_participants(1)->set_patient(absl::StrCat("ehr-", (first + 1 + Pick(11)) % 12));
    episode.mutable_care_team(0)->set_staff(absl::StrCat("dr-", Pick(3)));
    for (int i = Pick(3); i > 0; --i) {
      episode.add_problems()->set_code(absl::StrCat("problem-", i));
    }
    ASSERT_OK(at.episode_handlers.CreateEpisode(System(), request));
    open_.push_back(id);
  }

  void Submit(Replica& at, const std::string& episode) {
    v1::SubmitAssessmentRequest request;
    request.set_parent("practices/p1");
    v1::Assessment& assessment = *request.mutable_assessment();
    const bool phq9 = Pick(4) > 0;
    assessment.set_episode(EpisodeName(episode));
    assessment.set_instrument(testing::InstrumentName(phq9 ? "phq-9" : "gad-7"));
    assessment.set_subject(Pick(2) == 0 ? "a" : "b");
    assessment.set_informant(assessment.subject());
    AddAnswers(phq9 ? testing::Phq9(3 + Pick(21), Pick(4) == 0 ? 1 + Pick(3) : 0)
                    : std::vector<int>(7, Pick(4)),
               *assessment.mutable_answers());
    // One in four comes late.
    const absl::Duration ago = Pick(4) == 0 ? absl::Hours(1 + Pick(400)) : absl::ZeroDuration();
    *assessment.mutable_answered_time() =
        api::ToProto(std::max(fixture_.clock().Now() - ago, began_));
    const auto response = at.handlers.SubmitAssessment(System(), request);
    ASSERT_OK(response);
    assessments_.push_back(response->assessment());
  }

  static void AddAnswers(const std::vector<int>& values,
                         google::protobuf::RepeatedPtrField<v1::Answer>& answers) {
    for (size_t i = 0; i < values.size(); ++i) {
      v1::Answer& answer = *answers.Add();
      answer.set_item(absl::StrCat(i + 1));
      answer.set_value(values[i]);
    }
  }

  void Amend(Replica& at) {
    const v1::Assessment& before = PickOf(assessments_);
    v1::AmendAssessmentRequest request;
    request.set_name(before.name());
    request.set_reason("typo");
    AddAnswers(before.answers_size() == 9 ? testing::Phq9(3 + Pick(21), Pick(3))
                                          : std::vector<int>(7, Pick(4)),
               *request.mutable_answers());
    if (Pick(2) == 0) {
      *request.mutable_answered_time() = api::ToProto(
          std::max(api::FromProto(before.answered_time()) - absl::Hours(Pick(300)), began_));
    }
    const auto amended = at.handlers.AmendAssessment(System(), request);
    ASSERT_TRUE(amended.ok() || ReasonOf(amended.status()) == Reason::kLimitExceeded)
        << amended.status();
  }

  void Withdraw(Replica& at) {
    std::swap(PickOf(assessments_), assessments_.back());
    v1::MarkAssessmentEnteredInErrorRequest request;
    request.set_name(assessments_.back().name());
    ASSERT_OK(at.handlers.MarkAssessmentEnteredInError(System(), request));
    assessments_.pop_back();
  }

  void Move(Replica& at, std::vector<std::string>& from, std::vector<std::string>& to,
            episodes::v1::EpisodeStatus status) {
    if (from.empty()) {
      return;
    }
    std::swap(PickOf(from), from.back());
    episodes::v1::TransitionEpisodeRequest request;
    request.set_name(EpisodeName(from.back()));
    request.set_status(status);
    ASSERT_OK(at.episode_handlers.TransitionEpisode(System(), request));
    to.push_back(from.back());
    from.pop_back();
  }

  void ChangeTeam(Replica& at, const std::string& episode) {
    const std::string staff = absl::StrCat("dr-", Pick(3));
    // Refused where they are in the team already, or the last to lead it.
    if (Pick(2) == 0) {
      episodes::v1::AddCareTeamMemberRequest request;
      request.set_name(EpisodeName(episode));
      request.mutable_member()->set_staff(staff);
      request.mutable_member()->set_role(episodes::v1::CARE_TEAM_ROLE_LEAD_CLINICIAN);
      (void)at.episode_handlers.AddCareTeamMember(System(), request);
    } else {
      episodes::v1::EndCareTeamMembershipRequest request;
      request.set_name(EpisodeName(episode));
      request.set_staff(staff);
      (void)at.episode_handlers.EndCareTeamMembership(System(), request);
    }
  }

  void Consent(Replica& at, const std::string& episode) {
    auto request = FromText<episodes::v1::CreateConsentRequest>(R"pb(
      consent {
        grantor: 'a'
        subject: 'a'
        recipient: 'b'
        capacity: CONSENT_CAPACITY_SELF
        purpose: CONSENT_PURPOSE_DISCLOSURE
        status: CONSENT_STATUS_ACTIVE
      }
    )pb");
    request.set_parent(EpisodeName(episode));
    const auto consent = at.episode_handlers.CreateConsent(System(), request);
    if (consent.ok() && Pick(2) == 0) {
      episodes::v1::WithdrawConsentRequest withdraw;
      withdraw.set_name(consent->name());
      ASSERT_OK(at.episode_handlers.WithdrawConsent(System(), withdraw));
    }
  }

  void MergePatients(Replica& at) {
    episodes::v1::MergePatientsRequest request;
    request.set_parent("practices/p1");
    const int from = Pick(12);
    request.set_from_patient(absl::StrCat("ehr-", from));
    request.set_into_patient(absl::StrCat("ehr-", (from + 1) % 12));
    ASSERT_OK(at.episode_handlers.MergePatients(System(), request));
  }

  void ChangeSettings(Replica& at) {
    static const std::vector<std::string> kZones = {"UTC", "Pacific/Auckland",
                                                    "America/Los_Angeles"};
    episodes::v1::UpdatePracticeSettingsRequest request;
    request.mutable_settings()->set_name("practices/p1/settings");
    request.mutable_settings()->set_time_zone(kZones[static_cast<size_t>(Pick(3))]);
    request.mutable_settings()->mutable_house_rules()->set_smallest_group(2 + Pick(4));
    ASSERT_OK(at.episode_handlers.UpdatePracticeSettings(System(), request));
  }

  void Schedule(Replica& at, const std::string& episode) {
    auto request = FromText<v1::CreateScheduleRequest>(
        "parent: 'practices/p1' schedule { subject: 'a' informant: 'a' "
        "instrument: 'practices/p1/instruments/phq-9' }");
    request.mutable_schedule()->set_episode(EpisodeName(episode));
    const auto created = at.handlers.CreateSchedule(System(), request);
    ASSERT_TRUE(created.ok() || absl::IsAlreadyExists(created.status())) << created.status();
  }

  // Acknowledges an alert that is open, or resolves one that is acknowledged.
  void TendAlerts(Replica& at) {
    const auto alerts = at.handlers.ListAlerts(
        System(), FromText<v1::ListAlertsRequest>(
                      "parent: 'practices/p1' page_size: 200 states: ALERT_STATE_OPEN "
                      "states: ALERT_STATE_ACKNOWLEDGED"));
    ASSERT_OK(alerts);
    if (alerts->alerts().empty()) {
      return;
    }
    const v1::Alert& alert = alerts->alerts(Pick(alerts->alerts_size()));
    if (alert.state() == v1::ALERT_STATE_OPEN) {
      v1::AcknowledgeAlertRequest request;
      request.set_name(alert.name());
      ASSERT_OK(at.handlers.AcknowledgeAlert(System(), request));
    } else {
      v1::ResolveAlertRequest request;
      request.set_name(alert.name());
      ASSERT_OK(at.handlers.ResolveAlert(System(), request));
    }
  }

  // One thing that may happen in a practice.
  void Step(Replica& at, int step) {
    fixture_.clock().Advance(absl::Hours(1 + Pick(100)));
    const int dice = Pick(100);
    if (open_.empty() || dice < 8) {
      OpenEpisode(at, absl::StrCat("e", step));
    } else if (dice < 45 || assessments_.empty()) {
      Submit(at, PickOf(open_));
    } else if (dice < 51) {
      Amend(at);
    } else if (dice < 57) {
      Withdraw(at);
    } else if (dice < 62) {
      Schedule(at, PickOf(open_));
    } else if (dice < 68) {
      TendAlerts(at);
    } else if (dice < 74) {
      TimedWork work(at.database, fixture_.clock(), fixture_.ids());
      ASSERT_OK(work.Run());
    } else if (dice < 80) {
      Move(at, open_, closed_, episodes::v1::EPISODE_STATUS_FINISHED);
    } else if (dice < 83) {
      Move(at, closed_, open_, episodes::v1::EPISODE_STATUS_ACTIVE);
    } else if (dice < 88) {
      ChangeTeam(at, PickOf(open_));
    } else if (dice < 92) {
      Consent(at, PickOf(open_));
    } else if (dice < 95) {
      MergePatients(at);
    } else if (dice < 97) {
      ChangeSettings(at);
    } else if (dice < 99) {
      std::vector<std::string> gone;
      Move(at, closed_, gone, episodes::v1::EPISODE_STATUS_ENTERED_IN_ERROR);
    } else {
      storage::TrimRequest trim;
      trim.practice = "p1";
      trim.journal_before = fixture_.clock().Now();
      ASSERT_OK(store_.Trim({}, trim));
    }
  }

  records::Reader ReadAll(const api::Call& call) {
    auto view = std::make_shared<type::v1::AccessView>();
    view->set_practice("p1");
    view->set_practice_wide(true);
    return records::Reader(store_, call, std::move(view));
  }

  void ExpectSummaryIsWhatIsStored(Replica& at);
  void ExpectCaseloadIsWhatIsStored(Replica& at);

  std::mt19937 random_;
  securebase::testing::DatabaseFixture fixture_;
  const absl::Time began_ = fixture_.clock().Now();
  securebase::testing::CountingStore store_{fixture_.store()};
  absl::StatusOr<Catalogue> catalogue_ = BuiltInCatalogue();
  std::vector<std::string> open_;    // episodes
  std::vector<std::string> closed_;  // and not entered in error
  std::vector<v1::Assessment> assessments_;
};

struct Expected {
  int count = 0;
  int recovered = 0;
  std::set<std::string> persons;
  std::vector<double> before;
};

// Counted the plain way, from the records.
void ProjectionTest::ExpectSummaryIsWhatIsStored(Replica& at) {
  const api::Call call = System();
  const records::Reader reader = ReadAll(call);
  ASSERT_OK_AND_ASSIGN(const PracticeRules rules, ReadPracticeRules(reader));
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone(rules.time_zone, &zone));
  std::map<v1::SummaryDimension, std::map<std::string, Expected>> expected;
  ASSERT_OK_AND_ASSIGN(const auto all, reader.FindAll(SeriesKind(), AllSeries(), kEverything));
  for (const v1::Series& series : all) {
    ASSERT_OK_AND_ASSIGN(const auto episode, reader.Get(episodes::EpisodeKind(), series.episode()));
    if (LastId(series.instrument()) != "phq-9" || !episodes::IsClosed(episode.status()) ||
        series.assessment_count() == 0) {
      continue;
    }
    std::map<v1::SummaryDimension, std::set<std::string>> keys;
    keys[v1::SUMMARY_DIMENSION_NONE] = {""};
    for (const auto& problem : episode.problems()) {
      keys[v1::SUMMARY_DIMENSION_PROBLEM].insert(problem.code());
    }
    for (const auto& member : episode.care_team()) {
      if (member.role() == episodes::v1::CARE_TEAM_ROLE_LEAD_CLINICIAN &&
          episodes::IsPresent(member)) {
        keys[v1::SUMMARY_DIMENSION_CLINICIAN].insert(member.staff());
      }
    }
    keys[v1::SUMMARY_DIMENSION_CLOSING_MONTH] = {
        absl::FormatTime("%Y-%m", api::FromProto(episode.end_time()), zone)};
    for (const auto dimension : {v1::SUMMARY_DIMENSION_PROBLEM, v1::SUMMARY_DIMENSION_CLINICIAN}) {
      if (keys[dimension].empty()) {
        keys[dimension].insert("");
      }
    }
    const v1::ScaleSummary* total = FindSummary(series, "total");
    for (const auto& [dimension, names] : keys) {
      for (const std::string& key : names) {
        Expected& row = expected[dimension][key];
        ++row.count;
        row.recovered += total->verdict().verdict() == v1::VERDICT_RECOVERED ? 1 : 0;
        for (const auto& participant : episode.participants()) {
          if (participant.id() == series.subject()) {
            row.persons.insert(participant.patient());
          }
        }
        if (total->count_from_baseline() > 1) {
          row.before.push_back(total->baseline().value());
        }
      }
    }
  }
  for (const auto dimension :
       {v1::SUMMARY_DIMENSION_NONE, v1::SUMMARY_DIMENSION_PROBLEM, v1::SUMMARY_DIMENSION_CLINICIAN,
        v1::SUMMARY_DIMENSION_CLOSING_MONTH}) {
    v1::GetPracticeSummaryRequest request;
    request.set_parent("practices/p1");
    request.set_instrument(testing::InstrumentName("phq-9"));
    request.set_dimension(dimension);
    ASSERT_OK_AND_ASSIGN(const auto summary, at.handlers.GetPracticeSummary(call, request));
    ASSERT_OK_AND_ASSIGN(const auto suppressed,
                         at.handlers.GetPracticeSummary(Staff("dr-0"), request));
    const auto& rows = expected[dimension];
    ASSERT_EQ(static_cast<size_t>(summary.rows_size()), rows.size());
    int place = 0;
    for (const auto& [key, row] : rows) {
      const v1::SummaryRow& shown = summary.rows(place);
      EXPECT_EQ(shown.key(), key);
      EXPECT_EQ(shown.count(), row.count);
      EXPECT_EQ(shown.recovered(), row.recovered);
      EXPECT_EQ(shown.completed(), static_cast<int>(row.before.size()));
      EXPECT_EQ(suppressed.smallest_group(), rules.smallest_group);
      if (static_cast<int>(row.persons.size()) < rules.smallest_group) {
        EXPECT_TRUE(suppressed.rows(place).suppressed()) << key;
      }
      if (shown.has_effect_size()) {
        double mean = 0;
        double squares = 0;
        const auto count = static_cast<double>(row.before.size());
        for (const double value : row.before) {
          mean += value / count;
        }
        for (const double value : row.before) {
          squares += (value - mean) * (value - mean);
        }
        EXPECT_NEAR(shown.effect_size().mean_before(), mean, 1e-6);
        EXPECT_NEAR(shown.effect_size().sd_before(), std::sqrt(squares / (count - 1)), 1e-6);
      }
      ++place;
    }
  }
}

void ProjectionTest::ExpectCaseloadIsWhatIsStored(Replica& at) {
  const api::Call call = System();
  const records::Reader reader = ReadAll(call);
  ASSERT_OK_AND_ASSIGN(const auto caseload,
                       at.handlers.GetCaseload(call, FromText<v1::GetCaseloadRequest>(
                                                         "parent: 'practices/p1' limit: 500")));
  size_t open = 0;
  for (const v1::CaseloadEntry& entry : caseload.entries()) {
    ASSERT_OK_AND_ASSIGN(const auto episode, reader.Get(episodes::EpisodeKind(), entry.episode()));
    const bool is_open = episodes::IsOpen(episode.status());
    open += is_open ? 1 : 0;
    ASSERT_OK_AND_ASSIGN(const auto series,
                         reader.FindAll(SeriesKind(), SeriesOfEpisode(entry.episode()), 100));
    int shown = 0;
    for (const v1::Series& one : series) {
      shown += one.assessment_count() > 0 ? 1 : 0;
    }
    EXPECT_EQ(entry.series_size(), shown) << entry.episode();
    ASSERT_OK_AND_ASSIGN(const auto alerts,
                         reader.FindAll(AlertKind(), AlertsOfEpisode(entry.episode()), 1000));
    int unresolved = 0;
    for (const v1::Alert& alert : alerts) {
      // Of a closed episode risk alone, and only because of that it is shown.
      unresolved += alert.state() != v1::ALERT_STATE_RESOLVED &&
                            (is_open || alert.kind() == v1::ALERT_KIND_RISK)
                        ? 1
                        : 0;
    }
    EXPECT_EQ(entry.alerts_size(), std::min(unresolved, 20)) << entry.episode();
    EXPECT_TRUE(is_open || unresolved > 0) << entry.episode();
    ASSERT_OK_AND_ASSIGN(const auto schedules,
                         reader.FindAll(ScheduleKind(), SchedulesOfEpisode(entry.episode()), 100));
    absl::Time next = absl::InfiniteFuture();
    for (const v1::Schedule& schedule : schedules) {
      if (is_open && schedule.status() == v1::SCHEDULE_STATUS_ACTIVE) {
        next = std::min(next, api::FromProto(ComputeDue(schedule, call.time).due_time()));
      }
    }
    ASSERT_EQ(entry.has_next_due_time(), next != absl::InfiniteFuture()) << entry.episode();
    if (entry.has_next_due_time()) {
      EXPECT_EQ(api::FromProto(entry.next_due_time()), next);
    }
  }
  EXPECT_EQ(open, open_.size());
}

// Two replicas take turns in writing. One that follows all the way, one that follows in leaps, one
// that begins in the middle and one that is loaded cold hold the same bytes, and what they answer
// is what the records say.
TEST_F(ProjectionTest, RestartReplayAndColdLoadGiveIdenticalProjections) {
  for (const uint32_t seed : {1u, 2u, 3u}) {
    random_.seed(seed);
    Replica first(store_, fixture_, *catalogue_);
    Replica second(store_, fixture_, *catalogue_);
    Replica leaping(store_, fixture_, *catalogue_);
    for (int step = 0; step < 200; ++step) {
      Replica& at = Pick(2) == 0 ? first : second;
      ASSERT_NO_FATAL_FAILURE(Step(at, static_cast<int>(seed) * 1000 + step))
          << "seed " << seed << " step " << step;
      const std::string followed = DumpOf(first.projections, System());
      if (step % 3 == 0) {
        ASSERT_EQ(DumpOf(second.projections, System()), followed) << seed << " " << step;
      }
      if (step % 37 == 0) {
        ASSERT_EQ(DumpOf(leaping.projections, System()), followed) << seed << " " << step;
      }
      if (step % 10 == 0) {
        Projections cold(store_, *catalogue_);
        ASSERT_EQ(DumpOf(cold, System()), followed) << seed << " " << step;
        ASSERT_EQ(cold.loads(), 1);
        ASSERT_NO_FATAL_FAILURE(ExpectSummaryIsWhatIsStored(second)) << seed << " " << step;
        ASSERT_NO_FATAL_FAILURE(ExpectCaseloadIsWhatIsStored(first)) << seed << " " << step;
        // Views that were kept up to date are those that are made afresh.
        episodes::LocalAccess afresh(store_);
        for (const std::string staff : {"dr-0", "dr-1", "dr-2"}) {
          ASSERT_OK_AND_ASSIGN(const auto kept, second.access.ViewFor(Staff(staff)));
          ASSERT_OK_AND_ASSIGN(const auto made, afresh.ViewFor(Staff(staff)));
          ASSERT_EQ(kept->SerializeAsString(), made->SerializeAsString()) << seed << " " << step;
        }
      }
      if (step == 100) {
        // A restore: the same records in another history.
        store_.SetEpoch(absl::StrCat("epoch-", seed));
      }
    }
    EXPECT_EQ(first.projections.loads(), 2) << "at first, and after the restore";
  }
}

TEST_F(ProjectionTest, WhoIsFarBehindLoadsInsteadOfFollowing) {
  Replica writer(store_, fixture_, *catalogue_);
  Replica reader(store_, fixture_, *catalogue_);
  OpenEpisode(writer, "e1");
  DumpOf(reader.projections, System());
  for (int i = 0; i < 1100; ++i) {
    ChangeSettings(writer);
  }
  store_.TakeWork();
  const std::string caught_up = DumpOf(reader.projections, System());
  EXPECT_EQ(store_.TakeWork().journal_entries, 0);
  EXPECT_EQ(reader.projections.loads(), 2);
  EXPECT_EQ(caught_up, DumpOf(writer.projections, System()));
}

absl::Status ReadNothing(Projections& projections, const api::Call& call) {
  return projections.Read(call, [](const PracticeFold&, const storage::Position&) {});
}

TEST_F(ProjectionTest, ACallerInAHurryCostsTheNextNothing) {
  Replica writer(store_, fixture_, *catalogue_);
  OpenEpisode(writer, "e1");
  Projections projections(store_, *catalogue_);
  ASSERT_OK(ReadNothing(projections, System()));
  OpenEpisode(writer, "e2");
  api::Call late = System();
  late.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(ReadNothing(projections, late)));
  ASSERT_OK(ReadNothing(projections, System()));
  EXPECT_EQ(projections.loads(), 1);
}

// On a store so slow that nobody's time suffices for a load, the first who asks still loads.
TEST_F(ProjectionTest, CallersInAHurryGetThereTogether) {
  securebase::testing::HookedStore slow(fixture_.store());
  Replica writer(store_, fixture_, *catalogue_);
  OpenEpisode(writer, "e1");
  Projections projections(slow, *catalogue_);
  absl::Notification loading;
  absl::Notification go_on;
  slow.OnScan([&](absl::string_view index) {
    if (index == "norm") {
      loading.Notify();
      go_on.WaitForNotification();
    }
  });
  api::Call first = System();
  first.deadline = absl::Now() + absl::Minutes(1);
  absl::Status loaded;
  std::thread loader([&] { loaded = ReadNothing(projections, first); });
  loading.WaitForNotification();
  for (int i = 0; i < 3; ++i) {
    api::Call hurried = System();
    hurried.deadline = absl::Now() + absl::Milliseconds(1);
    EXPECT_TRUE(absl::IsDeadlineExceeded(ReadNothing(projections, hurried)));
  }
  go_on.Notify();
  loader.join();
  EXPECT_OK(loaded);
  EXPECT_OK(ReadNothing(projections, System()));
  EXPECT_EQ(projections.loads(), 1);
}

TEST_F(ProjectionTest, ALoadOnceBegunIsKeptThoughItsCallerIsGone) {
  securebase::testing::HookedStore slow(fixture_.store());
  Replica writer(store_, fixture_, *catalogue_);
  OpenEpisode(writer, "e1");
  Projections projections(slow, *catalogue_);
  api::Call gone = System();
  gone.deadline = absl::Now() + absl::Milliseconds(200);
  slow.OnScan([&](absl::string_view) {
    while (absl::Now() < gone.deadline) {
      std::this_thread::yield();
    }
  });
  // On a machine so loaded that the deadline was over before the load began, it is tried again.
  while (projections.loads() == 0) {
    gone.deadline = absl::Now() + absl::Milliseconds(200);
    (void)ReadNothing(projections, gone);
  }
  EXPECT_OK(ReadNothing(projections, System()));
  EXPECT_EQ(projections.loads(), 1);
}

// A page of changes that broke off is followed again, from the same fold.
class FailingGetStore : public securebase::testing::CountingStore {
 public:
  using CountingStore::CountingStore;
  absl::StatusOr<storage::Record> Get(const storage::Context& context, absl::string_view practice,
                                      const storage::RecordKey& key) override {
    if (fail_at > 0 && --fail_at == 0) {
      return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable, "away");
    }
    return CountingStore::Get(context, practice, key);
  }
  int fail_at = 0;  // 3: the third from now; 0: none
};

TEST_F(ProjectionTest, AStoreThatIsAwayForAMomentDoesNotMakeItLoadAgain) {
  FailingGetStore failing(fixture_.store());
  Replica writer(store_, fixture_, *catalogue_);
  OpenEpisode(writer, "e1");
  Projections projections(failing, *catalogue_);
  DumpOf(projections, System());
  OpenEpisode(writer, "e2");
  Submit(writer, "e2");
  OpenEpisode(writer, "e3");
  failing.fail_at = 3;
  EXPECT_TRUE(absl::IsUnavailable(ReadNothing(projections, System())));
  EXPECT_EQ(failing.fail_at, 0);
  EXPECT_EQ(DumpOf(projections, System()), DumpOf(writer.projections, System()));
  EXPECT_EQ(projections.loads(), 1);
}

TEST_F(ProjectionTest, AJournalEntryThatCannotBeReadDoesNotStopIt) {
  Replica writer(store_, fixture_, *catalogue_);
  OpenEpisode(writer, "e1");
  DumpOf(writer.projections, System());
  storage::Batch batch;
  batch.practice = "p1";
  batch.journal = {"\xff"};
  ASSERT_OK(store_.Apply({}, batch));
  OpenEpisode(writer, "e2");
  Projections cold(store_, *catalogue_);
  EXPECT_EQ(DumpOf(writer.projections, System()), DumpOf(cold, System()));
  EXPECT_EQ(writer.projections.loads(), 2);
}

// Until it fails over, the first store; then one with another history.
class FailingOverStore : public securebase::testing::CountingStore {
 public:
  FailingOverStore(storage::Store& first, storage::Store& second)
      : CountingStore(first), second_(second) {}
  absl::StatusOr<storage::Position> GetPosition(const storage::Context& context,
                                                absl::string_view practice) override {
    const bool after = failed_over_;
    failed_over_ = failed_over_ || armed;
    return after ? second_.GetPosition(context, practice)
                 : CountingStore::GetPosition(context, practice);
  }
  absl::StatusOr<storage::JournalPage> Journal(const storage::Context& context,
                                               absl::string_view practice, int64_t after,
                                               int limit) override {
    return failed_over_ ? second_.Journal(context, practice, after, limit)
                        : CountingStore::Journal(context, practice, after, limit);
  }
  absl::StatusOr<storage::ScanPage> Scan(const storage::Context& context,
                                         const storage::ScanRequest& request) override {
    return failed_over_ ? second_.Scan(context, request) : CountingStore::Scan(context, request);
  }
  bool armed = false;  // the next GetPosition is the first store's last answer

 private:
  storage::Store& second_;
  bool failed_over_ = false;
};

TEST_F(ProjectionTest, AFailoverToAShorterHistoryLoadsItOnce) {
  Replica writer(store_, fixture_, *catalogue_);
  OpenEpisode(writer, "e1");
  const std::unique_ptr<storage::Store> other = storage::MakeMemoryStore(fixture_.clock());
  Replica promoted(*other, fixture_, *catalogue_);
  OpenEpisode(promoted, "e1");
  FailingOverStore store(fixture_.store(), *other);
  Projections projections(store, *catalogue_);
  ASSERT_OK(ReadNothing(projections, System()));
  OpenEpisode(writer, "e2");
  store.armed = true;
  api::Call call = System();
  call.deadline = absl::Now() + absl::Seconds(30);
  ASSERT_OK(ReadNothing(projections, call));
  EXPECT_EQ(projections.loads(), 2);
  EXPECT_EQ(DumpOf(projections, System()), DumpOf(promoted.projections, System()));
}

}  // namespace
}  // namespace securebase::outcomes
