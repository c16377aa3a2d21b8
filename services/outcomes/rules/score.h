#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/score.pb.h"

namespace securebase::outcomes {

// What scoring must know besides the answers.
struct ScoringContext {
  // Who answered. Unspecified is allowed; bands that depend on the informant are then left out.
  v1::Informant informant = v1::INFORMANT_UNSPECIFIED;
  // The subject's age in completed months. Without it an age range is not checked, and a note says
  // so.
  std::optional<int> age_months = std::nullopt;
  // The AnswerCoding the answers come in; empty: the items' own.
  std::string coding = {};
};

// Scores one administration. Items that `answers` leaves out count as not answered; the order of
// the answers does not matter. A scale that cannot be scored is UNSCORABLE with its reason, and
// does not keep the others, nor the risk items, from being evaluated.
//
// INVALID_ARGUMENT, INVALID_FIELDS with every violation: an item that does not exist or is answered
// twice ("answers[3].item"), a value outside of the item's range ("answers[3].value"), an informant
// the instrument is not for, an unknown coding, a negative age. `definition` has passed
// CheckDefinition.
absl::StatusOr<v1::ScoringResult> Score(const v1::InstrumentDefinition& definition,
                                        const std::vector<v1::Answer>& answers,
                                        const ScoringContext& context);

// The mean per item of a scale's `value`: the value itself for means, divided by the number of
// items for sums, and by that of the parts' items for sums of scales. Alliance rules compare
// instruments on it. `scale` is of `definition`, which has passed CheckDefinition.
double ItemMean(const v1::InstrumentDefinition& definition, const v1::Scale& scale, double value);

}  // namespace securebase::outcomes
