#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/outcomes/v1/assessment.pb.h"
#include "securebase/outcomes/v1/own_instrument.pb.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/base/error.h"

// Instruments that a practice defines itself.
namespace securebase::outcomes {

// House limits: of one definition, of the texts of one import and of one version, of an instrument,
// of a practice.
inline constexpr size_t kMaxDefinitionBytes = 64 << 10;
inline constexpr size_t kMaxTextsBytes = 400 << 10;
inline constexpr int kMaxLanguages = 50;
inline constexpr int kMaxVersions = 100;
inline constexpr int kMaxOwnInstruments = 500;

// By the prefix.
bool IsOwnInstrument(absl::string_view id);

// Everything in which a practice's definition contradicts itself (CheckDefinition), or could be
// taken for an instrument of `built_in`: by its id or its abbreviation. Fields are paths from the
// definition.
std::vector<FieldViolation> CheckOwnDefinition(const v1::InstrumentDefinition& definition,
                                               const Catalogue& built_in);

// Everything in which `texts` do not fit the definition: language tag, items and answers that it
// does not have or that are missing. Fields are paths from the texts: "items[2].item".
std::vector<FieldViolation> CheckTexts(const v1::InstrumentDefinition& definition,
                                       const v1::InstrumentTexts& texts);

// Notes on the instrument that its version `number` has changed from one status to another
// (UNSPECIFIED: it is new). ACTIVE takes the place of the version that was active.
void FollowVersion(int number, v1::PublicationStatus from, v1::PublicationStatus to,
                   v1::Instrument& instrument);

// Whether answers given at `answered` may be scored by a version with these changes: it is ACTIVE,
// or was RETIRED after that.
bool MayScore(const v1::InstrumentVersion& version, absl::Time answered);

}  // namespace securebase::outcomes
