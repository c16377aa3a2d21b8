#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "securebase/goals/v1/goal.pb.h"
#include "services/goals/handlers/neighbours.h"
#include "services/goals/rules/achievement.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/database.h"

namespace securebase::goals {

// What `Goal.unavailable` and `Attainment.unavailable` say.
inline constexpr char kOutcomesUnavailable[] = "outcomes";
inline constexpr char kSettingsUnavailable[] = "settings";

// Fills in what is computed when goals are read: progress, acceptances, achievement, flag, whether
// a rating fixes the measure and what is unavailable, all as the reader may see it. One object
// serves one call; neighbours are asked at most once each. Not thread-safe.
class Composer {
 public:
  // Both must outlive it.
  Composer(Neighbours& neighbours, const api::Call& call) : neighbours_(neighbours), call_(call) {}

  // `with_series`: goals measured by a scale get their achievement too, which costs a call to the
  // outcomes service for each of their subjects.
  absl::Status Compose(const records::Reader& reader, bool with_series, v1::Goal& goal);

  // Everybody whose data a goal shows that was composed, its own record included: what one could
  // see of others when the call was made, one may not be allowed to see when it is repeated.
  records::Access AccessOfShown(const v1::Goal& goal) const;

  // The practice's policy, or the defaults where its settings cannot be read.
  const Policy& GetPolicy();
  // Whether GetPolicy, which was called, could read them.
  bool policy_known() const { return policy_known_; }

 private:
  void AddSubject(const std::string& participant);
  // The linked series; nullopt: it could not be read.
  std::optional<v1::SeriesPoint> FindSeries(const v1::Goal& goal);

  struct SubjectSeries {
    std::string episode;
    std::string subject;
    absl::StatusOr<std::vector<outcomes::v1::Series>> series;
  };

  Neighbours& neighbours_;
  const api::Call& call_;
  std::optional<Policy> policy_;
  bool policy_known_ = false;
  std::vector<SubjectSeries> series_;
  // Participants whose data was put into the goals, beside what a goal's own record holds.
  std::set<std::string> subjects_;
};

// Runs `body`, which returns a goal as it is stored, and answers with the goal as it is read.
template <typename Request>
absl::StatusOr<v1::Goal> WriteGoal(
    const records::Database& database, Neighbours& neighbours, const api::Call& call,
    const Request& request, const std::function<absl::StatusOr<v1::Goal>(records::Write&)>& body) {
  return database.Transact<v1::Goal>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::Goal> {
        SB_ASSIGN_OR_RETURN(v1::Goal goal, body(write));
        Composer composer(neighbours, call);
        SB_RETURN_IF_ERROR(composer.Compose(write, /*with_series=*/true, goal));
        write.SetResultAccess(composer.AccessOfShown(goal));
        return goal;
      });
}

}  // namespace securebase::goals
