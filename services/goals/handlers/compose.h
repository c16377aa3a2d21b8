#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "securebase/goals/v1/goal.pb.h"
#include "services/goals/handlers/neighbours.h"
#include "services/goals/rules/achievement.h"
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

  // Participants whose data was put into the goals so far, beside what a goal's own record holds.
  const std::set<std::string>& subjects() const { return subjects_; }

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
  std::set<std::string> subjects_;
};

}  // namespace securebase::goals
