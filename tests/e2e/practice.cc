#include "tests/e2e/practice.h"

#include <vector>

#include "absl/strings/substitute.h"
#include "services/platform/base/status_macros.h"

namespace securebase::testing {

namespace episodes = securebase::episodes::v1;
namespace goals = securebase::goals::v1;
namespace outcomes = securebase::outcomes::v1;
namespace plans = securebase::plans::v1;

namespace {

constexpr int64_t kFirstDay = 1767607200;  // 2026-01-05T10:00:00Z
constexpr int64_t kWeek = 7 * 24 * 60 * 60;

}  // namespace

absl::Status OpenEpisode(Deployment& deployment, const std::string& id) {
  SB_RETURN_IF_ERROR(
      (deployment
           .Call<episodes::Episode, episodes::CreateEpisodeRequest>(
               deployment.AsSystem(), "episodes", "CreateEpisode",
               absl::Substitute(
                   R"pb(
                     parent: "practices/p1"
                     episode_id: "$0"
                     episode {
                       kind: EPISODE_KIND_INDIVIDUAL
                       start_time { seconds: $1 }
                       participants {
                         id: "$0"
                         patient: "patient-$0"
                         role: PARTICIPANT_ROLE_CLIENT
                         age_group: AGE_GROUP_ADULT
                       }
                       care_team { staff: "dr-wren" role: CARE_TEAM_ROLE_LEAD_CLINICIAN }
                       problems { code: "depression" }
                     })pb",
                   id, kFirstDay))
           .status()));
  return deployment
      .Call<episodes::Consent, episodes::CreateConsentRequest>(
          deployment.AsSystem(), "episodes", "CreateConsent",
          absl::Substitute(R"pb(
                             parent: "practices/p1/episodes/$0"
                             consent_id: "treatment"
                             consent {
                               grantor: "$0"
                               capacity: CONSENT_CAPACITY_SELF
                               subject: "$0"
                               purpose: CONSENT_PURPOSE_TREATMENT
                               status: CONSENT_STATUS_ACTIVE
                             })pb",
                           id))
      .status();
}

absl::Status ActivatePlan(Deployment& deployment, const std::string& id) {
  SB_RETURN_IF_ERROR((
      deployment
          .Call<plans::Plan, plans::CreatePlanRequest>(
              deployment.AsStaff("dr-wren"), "plans", "CreatePlan",
              absl::Substitute(R"pb(
                                 parent: "practices/p1"
                                 plan_id: "$0"
                                 plan { episode: "practices/p1/episodes/$0" }
                                 draft { problems: "depression" population: POPULATION_ADULT })pb",
                               id))
          .status()));
  SB_ASSIGN_OR_RETURN(
      const plans::Revision revision,
      (deployment.Call<plans::Revision, plans::GetRevisionRequest>(
          deployment.AsStaff("dr-wren"), "plans", "GetRevision",
          absl::Substitute(R"pb(name: "practices/p1/plans/$0/revisions/1")pb", id))));
  SB_RETURN_IF_ERROR((deployment
                          .Call<plans::Revision, plans::SignRevisionRequest>(
                              deployment.AsStaff("dr-wren"), "plans", "SignRevision",
                              absl::Substitute(R"pb(name: "$0"
                                                    digest: "$1"
                                                    role: SIGNER_ROLE_CLINICIAN
                                                    meaning: SIGNATURE_MEANING_AUTHORSHIP)pb",
                                               revision.name(), revision.digest()))
                          .status()));
  SB_RETURN_IF_ERROR((deployment
                          .Call<plans::Revision, plans::SignRevisionRequest>(
                              deployment.AsParticipant("patient-" + id), "plans", "SignRevision",
                              absl::Substitute(R"pb(name: "$0"
                                                    digest: "$1"
                                                    role: SIGNER_ROLE_PARTICIPANT
                                                    meaning: SIGNATURE_MEANING_AGREEMENT)pb",
                                               revision.name(), revision.digest()))
                          .status()));
  return deployment
      .Call<plans::Plan, plans::TransitionPlanRequest>(
          deployment.AsStaff("dr-wren"), "plans", "TransitionPlan",
          absl::Substitute(R"pb(name: "practices/p1/plans/$0" status: PLAN_STATUS_ACTIVE)pb", id))
      .status();
}

outcomes::SubmitAssessmentRequest PhqNine(const std::string& id, const std::string& episode,
                                          int week, int answer) {
  outcomes::SubmitAssessmentRequest request;
  request.set_parent("practices/p1");
  request.set_assessment_id(id);
  request.set_request_id(id);
  outcomes::Assessment& assessment = *request.mutable_assessment();
  assessment.set_episode("practices/p1/episodes/" + episode);
  assessment.set_instrument("practices/p1/instruments/phq-9");
  assessment.set_subject(episode);
  assessment.set_informant(episode);
  assessment.mutable_answered_time()->set_seconds(kFirstDay + week * kWeek);
  for (int item = 1; item <= 9; ++item) {
    outcomes::Answer& one = *assessment.add_answers();
    one.set_item(std::to_string(item));
    one.set_value(item == 9 ? 0 : answer);
  }
  return request;
}

absl::StatusOr<goals::Goal> CreateGoal(Deployment& deployment, const std::string& id,
                                       const std::string& episode) {
  return deployment.Call<goals::Goal, goals::CreateGoalRequest>(
      deployment.AsStaff("dr-wren"), "goals", "CreateGoal",
      absl::Substitute(R"pb(
                         parent: "practices/p1"
                         goal_id: "$0"
                         active: true
                         goal {
                           episode: "practices/p1/episodes/$1"
                           owner: "$1"
                           statement: "I ask for closeness instead of waiting for it"
                           domain: GOAL_DOMAIN_RELATIONSHIP
                           gbo { target: 8 }
                         })pb",
                       id, episode));
}

absl::StatusOr<std::vector<outcomes::Assessment>> ListAssessments(Deployment& deployment,
                                                                  const std::string& episode) {
  std::vector<outcomes::Assessment> all;
  SB_RETURN_IF_ERROR(client::ForEachPage<outcomes::ListAssessmentsResponse>(
      [&](const std::string& token) {
        outcomes::ListAssessmentsRequest request;
        request.set_parent("practices/p1");
        request.set_episode("practices/p1/episodes/" + episode);
        request.set_page_size(200);
        request.set_page_token(token);
        return deployment.Send<outcomes::ListAssessmentsResponse>(deployment.AsSystem(), "outcomes",
                                                                  "ListAssessments", request);
      },
      [&](const outcomes::ListAssessmentsResponse& page) {
        all.insert(all.end(), page.assessments().begin(), page.assessments().end());
        return true;
      }));
  return all;
}

}  // namespace securebase::testing
