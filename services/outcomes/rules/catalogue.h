#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "services/platform/base/embedded_file.h"
#include "services/platform/base/error.h"

namespace securebase::outcomes {

// What ids of practices' own instruments begin with and no built-in one ever does, so that a later
// release cannot bring an instrument of the same id.
inline constexpr absl::string_view kOwnPrefix = "own-";

// Everything in which `definition` contradicts itself; empty: it can be used for scoring. Fields
// are paths from the definition: "scales[0].reversed[2]". What is checked is listed in
// docs/clinical/instruments.md; lengths and counts of single fields are the proto's own rules.
std::vector<FieldViolation> CheckDefinition(const v1::InstrumentDefinition& definition);

// What is wrong with a definition, by paths from it.
using DefinitionCheck = std::function<std::vector<FieldViolation>(const v1::InstrumentDefinition&)>;

// A definition in Protocol Buffers' text format, checked. `file` only names it in errors:
// INVALID_ARGUMENT, DEFINITION_INVALID, each violation with "file:line" and the field.
absl::StatusOr<v1::InstrumentDefinition> ParseDefinition(
    absl::string_view file, absl::string_view text, const DefinitionCheck& check = CheckDefinition);

// nullptr if there is none of that id.
const v1::Item* FindItem(const v1::InstrumentDefinition& definition, absl::string_view id);
const v1::Scale* FindScale(const v1::InstrumentDefinition& definition, absl::string_view id);

// Definitions by id and version. Immutable once built, so safe to share between threads.
class Catalogue {
 public:
  // Parses and checks every file. DEFINITION_INVALID with the place of every violation of the first
  // bad file; also when two files define the same version, or one an id of practices.
  static absl::StatusOr<Catalogue> FromFiles(const std::vector<EmbeddedFile>& files);

  // The newest version; nullptr if the instrument is unknown.
  const v1::InstrumentDefinition* Find(absl::string_view id) const;
  // That version; nullptr if it is unknown.
  const v1::InstrumentDefinition* Find(absl::string_view id, int version) const;

  // Every version of one instrument, the oldest first; empty if it is unknown. Valid as long as the
  // catalogue is.
  std::vector<const v1::InstrumentDefinition*> Versions(absl::string_view id) const;

  // The newest version of every instrument, by id. Valid as long as the catalogue is.
  std::vector<const v1::InstrumentDefinition*> Newest() const;

 private:
  std::map<std::string, std::map<int, v1::InstrumentDefinition>> definitions_;
};

// The definitions that are compiled in (services/outcomes/data/instruments).
absl::StatusOr<Catalogue> BuiltInCatalogue();

}  // namespace securebase::outcomes
