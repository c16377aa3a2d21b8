#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "securebase/plans/v1/plans_service.pb.h"
#include "tests/e2e/deployment.h"

// A small practice, p1, for tests: records that nobody exists behind.
namespace securebase::testing {

// An individual episode under way since 2026-01-05: participant `id`, who is EHR patient
// "patient-<id>", treated for depression by dr-wren with consent.
absl::Status OpenEpisode(Deployment& deployment, const std::string& id);

// A plan drafted from the library for an episode of OpenEpisode, under the episode's id, signed by
// dr-wren and the participant, and active.
absl::Status ActivatePlan(Deployment& deployment, const std::string& id);

// A PHQ-9 of an episode of OpenEpisode that the participant answered `week` weeks into it, every
// item with `answer` but the last, on self-harm, with 0. Its request_id is its id.
outcomes::v1::SubmitAssessmentRequest PhqNine(const std::string& id, const std::string& episode,
                                              int week, int answer);

// A goal with goal-based outcomes of an episode of OpenEpisode.
absl::StatusOr<goals::v1::Goal> CreateGoal(Deployment& deployment, const std::string& id,
                                           const std::string& episode);

// All assessments of an episode, page by page.
absl::StatusOr<std::vector<outcomes::v1::Assessment>> ListAssessments(Deployment& deployment,
                                                                      const std::string& episode);

}  // namespace securebase::testing
