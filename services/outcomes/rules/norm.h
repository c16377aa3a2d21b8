#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/norm.pb.h"
#include "services/platform/base/error.h"

// What a practice has approved to judge change by.
namespace securebase::outcomes {

// The norms of one scoring version that are in force at some time: at most one for each scale.
using Norms = std::vector<v1::Norm>;

// Persons that figures of a practice's own must rest on at least (house rule).
inline constexpr int kLeastSample = 30;

// Everything that is wrong with a proposed norm for a scale of `definition`: `norm_id` is its id.
// The figures are checked as those of a policy in a definition are. Fields are paths from the norm:
// "inputs.sd".
std::vector<FieldViolation> CheckNorm(const v1::InstrumentDefinition& definition,
                                      absl::string_view norm_id, const v1::Norm& norm);

// The norm's figures as a policy: of its own, under its id, or those of the policy of `scale` that
// it approves. That policy exists: the norm has passed CheckNorm. A cut-off that does not say so
// itself is as sure as the norm, and from the same source.
v1::ChangePolicy PolicyOfNorm(const v1::Scale& scale, const v1::Norm& norm);

// Those of `norms` (of one scoring version) that were ACTIVE at `time`, each as it was approved
// then.
Norms NormsInForce(const std::vector<v1::Norm>& norms, absl::Time time);

// The norm for the scale; nullptr: none.
const v1::Norm* FindNorm(const Norms& norms, absl::string_view scale);

}  // namespace securebase::outcomes
