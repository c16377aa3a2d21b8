#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/goals/handlers/compose.h"
#include "services/goals/handlers/goal_handlers.h"
#include "services/goals/records/changes.h"
#include "services/goals/records/kinds.h"
#include "services/goals/rules/attainment.h"
#include "services/goals/rules/lifecycle.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/api/participants.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/sha256.h"
#include "services/platform/base/status_macros.h"

namespace securebase::goals {
namespace {

// Half of a SHA-256, as text: suffices where nobody gains by two things that look the same.
std::string Short(const std::string& sha256) {
  return absl::WebSafeBase64Escape(sha256.substr(0, 16));
}

// All that an episode's attainment rests on, but for series of the outcomes service: where none is
// linked and this is as it was, so is the attainment, and nothing has to be read to know.
std::string BasisOf(const records::Reader& reader, const std::string& episode,
                    const storage::Position& position, const Policy& policy, bool policy_known) {
  type::v1::AccessView seen;  // of this episode alone
  seen.set_practice_wide(reader.view().practice_wide());
  for (const type::v1::EpisodeAccess& access : reader.view().episodes()) {
    if (access.episode() == LastId(episode)) {
      *seen.add_episodes() = access;
    }
  }
  return Short(Sha256(absl::StrCat(episode, "|", position.epoch, "|", position.sequence, "|",
                                   static_cast<int>(reader.call().principal.kind), "|",
                                   absl::FormatCivilTime(policy.today), "|", policy.stuck_ratings,
                                   "|", policy_known, "|", api::Fingerprint(seen))));
}

struct GoalsOfAttainment {
  std::vector<v1::Goal> goals;
  std::set<std::string> unavailable;
  bool linked = false;  // to a series of the outcomes service
};

absl::StatusOr<GoalsOfAttainment> ReadGoals(const records::Reader& reader,
                                            const std::string& episode, Composer& composer) {
  GoalsOfAttainment read;
  SB_ASSIGN_OR_RETURN(std::vector<v1::Goal> goals,
                      reader.GetAll(GoalKind(), GoalsOfEpisode(episode), kMaxGoalsOfEpisode));
  for (v1::Goal& goal : goals) {
    if (!CountsInAttainment(goal.lifecycle_status())) {
      continue;
    }
    SB_RETURN_IF_ERROR(composer.Compose(reader, /*with_series=*/true, goal));
    read.unavailable.insert(goal.unavailable().begin(), goal.unavailable().end());
    read.linked = read.linked || goal.has_scale();
    read.goals.push_back(std::move(goal));
  }
  return read;
}

v1::Attainment Answer(v1::Attainment attainment, std::string etag) {
  attainment.set_etag(std::move(etag));
  attainment.mutable_poll_after()->set_seconds(absl::ToInt64Seconds(GoalHandlers::kPollAfter));
  return attainment;
}

}  // namespace

absl::StatusOr<v1::Attainment> GoalHandlers::GetAttainment(
    const api::Call& call, const v1::GetAttainmentRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_RETURN_IF_ERROR(reader.CheckEpisode(request.parent()));
  // Before anything is read, so that what changes meanwhile shows with the next poll.
  SB_ASSIGN_OR_RETURN(const storage::Position position,
                      database_.store().GetPosition({call.deadline}, call.practice()));
  Composer composer(neighbours_, call);
  const Policy& policy = composer.GetPolicy();
  const std::string basis =
      BasisOf(reader, request.parent(), position, policy, composer.policy_known());
  // "{digest of the content}.{basis}"
  const std::vector<std::string> known = absl::StrSplit(request.known_etag(), '.');
  v1::Attainment not_modified;
  not_modified.set_not_modified(true);
  if (known.size() == 2 && known[1] == basis) {
    return Answer(std::move(not_modified), request.known_etag());
  }

  SB_ASSIGN_OR_RETURN(const GoalsOfAttainment read, ReadGoals(reader, request.parent(), composer));
  v1::Attainment attainment = SumUp(read.goals);
  attainment.set_episode(request.parent());
  attainment.mutable_unavailable()->Add(read.unavailable.begin(), read.unavailable.end());
  // What it says, and what it rests on if that can be told without asking: a linked series changes
  // in another service, whose answer has to be read. Participants are not told that something they
  // may not see was written in the practice.
  const bool told = !read.linked && !api::IsParticipant(call);
  const std::string content = Short(api::Fingerprint(attainment));
  return Answer(known[0] == content ? std::move(not_modified) : std::move(attainment),
                absl::StrCat(content, ".", told ? basis : "-"));
}

}  // namespace securebase::goals
