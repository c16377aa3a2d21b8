#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/goals/handlers/goal_handlers.h"
#include "services/platform/api/request_rules.h"
#include "services/platform/base/error.h"
#include "tests/testing/database_fixture.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/goals/rules/goal_maker.h"

namespace securebase::goals {

inline absl::Status NeighbourDown() {
  return MakeError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable,
                   "the outcomes service does not answer; retry the call");
}

// The services beneath, as a test says they are.
class FakeNeighbours : public Neighbours {
 public:
  absl::StatusOr<std::vector<outcomes::v1::Series>> ListSeries(
      const api::Call&, const std::string&, const std::string& subject) override {
    if (down) {
      return NeighbourDown();
    }
    ++series_calls;
    return series[subject];
  }
  absl::StatusOr<episodes::v1::PracticeSettings> GetSettings(const api::Call&) override {
    if (const auto meanwhile = std::exchange(during_next_write, nullptr)) {
      meanwhile();
    }
    if (down) {
      return NeighbourDown();
    }
    return settings;
  }
  absl::StatusOr<std::vector<std::string>> GetScales(const api::Call&,
                                                     const std::string& instrument) override {
    if (down) {
      return NeighbourDown();
    }
    const auto found = scales.find(instrument);
    return found == scales.end() ? absl::StatusOr<std::vector<std::string>>(NotFound(instrument))
                                 : found->second;
  }
  absl::StatusOr<EpisodeFacts> GetEpisode(const api::Call&, const std::string& episode) override {
    if (down) {
      return NeighbourDown();
    }
    const auto found = episodes.find(episode);
    return found == episodes.end() ? absl::StatusOr<EpisodeFacts>(NotFound(episode))
                                   : found->second;
  }

  // Done once, by the next write of a goal after it has read what it rests on.
  std::function<void()> during_next_write;
  bool down = false;
  int series_calls = 0;
  std::map<std::string, std::vector<outcomes::v1::Series>> series;
  std::map<std::string, std::vector<std::string>> scales = {{"phq-2", {"total"}},
                                                            {"phq-9", {"total"}}};
  episodes::v1::PracticeSettings settings;
  std::map<std::string, EpisodeFacts> episodes;
};

// A couple's episode e1 with Anna and Ben, treated by dr-a, and an episode e2 with Cleo, treated by
// dr-c. Calls are validated as the server does it before a handler runs.
class GoalsFixture : public ::testing::Test {
 protected:
  static constexpr char kEpisode[] = "practices/p1/episodes/e1";
  static constexpr char kOtherEpisode[] = "practices/p1/episodes/e2";

  GoalsFixture() : database_(fixture_.Database()), handlers_(database_, neighbours_) {
    neighbours_.settings.set_time_zone("Europe/Berlin");
    neighbours_.episodes[kEpisode] = {episodes::v1::EPISODE_STATUS_ACTIVE, {"anna", "ben"}};
    neighbours_.episodes[kOtherEpisode] = {episodes::v1::EPISODE_STATUS_ACTIVE, {"cleo"}};
    GiveAccess("staff:dr-a", "e1", "", {});
    GiveAccess("staff:dr-c", "e2", "", {});
    GiveAccess("participant:anna-login", "e1", "anna", {"anna"});
    GiveAccess("participant:ben-login", "e1", "ben", {"ben"});
  }

  // Without `self`: all subjects of the episode.
  void GiveAccess(const std::string& principal, const std::string& episode, const std::string& self,
                  const std::vector<std::string>& subjects) {
    type::v1::AccessView view;
    type::v1::EpisodeAccess& access = *view.add_episodes();
    access.set_episode(episode);
    access.set_self(self);
    access.set_all_subjects(self.empty());
    access.mutable_subjects()->Add(subjects.begin(), subjects.end());
    fixture_.access().Set(principal, view);
  }

  api::Call Staff(const std::string& subject = "dr-a") {
    return fixture_.Call(auth::PrincipalKind::kStaff, subject);
  }
  api::Call System() { return fixture_.Call(auth::PrincipalKind::kSystem, "ehr"); }
  api::Call Anna() { return fixture_.Call(auth::PrincipalKind::kParticipant, "anna-login"); }
  api::Call Ben() { return fixture_.Call(auth::PrincipalKind::kParticipant, "ben-login"); }

  // Calls a handler as the server does.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Do(absl::StatusOr<Response> (GoalHandlers::*method)(const api::Call&,
                                                                               const Request&),
                              api::Call call, const Request& request) {
    call.method = std::string(Request::descriptor()->name());
    SB_RETURN_IF_ERROR(api::ValidateRequest(request, call.practice(), call.time));
    return (handlers_.*method)(call, request);
  }

  static v1::CreateGoalRequest CreateRequest(v1::Goal goal, const std::string& id = "",
                                             bool active = true) {
    v1::CreateGoalRequest request;
    request.set_parent("practices/p1");
    goal.clear_name();
    *request.mutable_goal() = std::move(goal);
    request.set_goal_id(id);
    request.set_active(active);
    return request;
  }

  absl::StatusOr<v1::Goal> Create(const v1::Goal& goal, const std::string& id = "",
                                  bool active = true) {
    return Do(&GoalHandlers::CreateGoal, Staff(), CreateRequest(goal, id, active));
  }

  absl::StatusOr<v1::Goal> Get(const api::Call& call, const std::string& id) {
    v1::GetGoalRequest request;
    request.set_name("practices/p1/goals/" + id);
    return Do(&GoalHandlers::GetGoal, call, request);
  }

  absl::StatusOr<v1::Rating> Rate(const api::Call& call, const std::string& goal, int value,
                                  const v1::Informant& informant, const std::string& id = "") {
    v1::RateGoalRequest request;
    request.set_parent("practices/p1/goals/" + goal);
    *request.mutable_rating()->mutable_informant() = informant;
    request.mutable_rating()->set_value(value);
    request.set_rating_id(id);
    fixture_.clock().Advance(absl::Seconds(1));
    api::Call later = call;
    later.time = fixture_.clock().Now();
    return Do(&GoalHandlers::RateGoal, later, request);
  }

  absl::StatusOr<v1::Goal> Transition(const std::string& id, v1::GoalLifecycleStatus status) {
    v1::TransitionGoalRequest request;
    request.set_name("practices/p1/goals/" + id);
    request.set_lifecycle_status(status);
    return Do(&GoalHandlers::TransitionGoal, Staff(), request);
  }

  absl::StatusOr<v1::Goal> Respond(const api::Call& call, const std::string& id,
                                   const std::string& participant, v1::AcceptanceStatus status) {
    v1::RespondToGoalRequest request;
    request.set_name("practices/p1/goals/" + id);
    request.set_participant(participant);
    request.set_status(status);
    return Do(&GoalHandlers::RespondToGoal, call, request);
  }

  absl::StatusOr<v1::Attainment> Attainment(const api::Call& call,
                                            const std::string& known_etag = "") {
    v1::GetAttainmentRequest request;
    request.set_parent(kEpisode);
    request.set_known_etag(known_etag);
    return Do(&GoalHandlers::GetAttainment, call, request);
  }

  securebase::testing::DatabaseFixture fixture_;
  FakeNeighbours neighbours_;
  records::Database database_;
  GoalHandlers handlers_;
};

}  // namespace securebase::goals
