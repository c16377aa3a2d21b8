#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/library.pb.h"
#include "services/plans/rules/guard.h"
#include "services/platform/base/embedded_file.h"

namespace securebase::plans::rules {

// The technique catalogue, the plan library and the guard, as read from the data files. Immutable,
// so safe to share among threads.
class PlanLibrary {
 public:
  // The files are textprotos of securebase.plans.v1.Library whose contents add up. INVALID_ARGUMENT
  // (DEFINITION_INVALID) naming "file:line" of what does not parse, or the element that contradicts
  // itself or another: an id that occurs twice, a technique, measure or threshold that is missing,
  // a built-in technique that the guard refuses.
  static absl::StatusOr<PlanLibrary> Load(const std::vector<EmbeddedFile>& files);

  // What comes with the product (services/plans/data).
  static absl::StatusOr<PlanLibrary> LoadBuiltIn();

  // Technique names are without a practice: "techniques/emotion-regulation".
  const v1::Library& data() const { return data_; }
  const Guard& guard() const { return guard_; }

  // Null when there is none. `code`: "emotion-regulation".
  const v1::Technique* FindTechnique(absl::string_view code) const;
  const v1::LibraryEntry* FindEntry(absl::string_view problem, v1::Population population) const;

  // What must be recorded before a plan of this population may be active.
  std::vector<v1::Requirement> RequirementsFor(v1::Population population) const;

 private:
  PlanLibrary(v1::Library data, Guard guard) : data_(std::move(data)), guard_(std::move(guard)) {}

  v1::Library data_;
  Guard guard_;
};

}  // namespace securebase::plans::rules
