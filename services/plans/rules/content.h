#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "securebase/plans/v1/plan.pb.h"
#include "securebase/plans/v1/session.pb.h"
#include "services/plans/rules/episode.h"
#include "services/platform/base/error.h"

// What a plan's content and a session must hold beyond the rules of their single fields.
namespace securebase::plans::rules {

// Whether the practice has a technique of this resource name.
using TechniqueExists = std::function<bool(absl::string_view name)>;

// Every contradiction within the content, and with the episode: ids that occur twice, references to
// nobody or nothing, a problem of a goal that the plan does not name. Field paths begin with
// `prefix`.
std::vector<FieldViolation> CheckContent(const v1::PlanContent& content, const Episode& episode,
                                         const TechniqueExists& exists, absl::string_view prefix);

// Participants whose data the content holds, sorted: its subjects, whoever a formulation or a
// measure is about or answered by, and with whom a technique is used.
std::vector<std::string> DataSubjects(const v1::PlanContent& content);

// The same for a session: participants of the episode at present or earlier, techniques that exist,
// once each, and no more minutes than the session took.
std::vector<FieldViolation> CheckSession(const v1::Session& session, const Episode& episode,
                                         const TechniqueExists& exists, absl::string_view prefix);

}  // namespace securebase::plans::rules
