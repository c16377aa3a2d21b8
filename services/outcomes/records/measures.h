#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/norm.h"
#include "services/platform/records/database.h"

// Instruments as a practice uses them: built-in ones, which live as long as the catalogue, and its
// own, which are read from the store in the caller's transaction. Nothing is remembered between
// calls, so that no replica can be behind another.
namespace securebase::outcomes {

using DefinitionPtr = std::shared_ptr<const v1::InstrumentDefinition>;

// One scoring version with what the practice has approved for it.
struct Measure {
  DefinitionPtr definition;
  Norms norms;
};

// Norms of one scoring version, of whatever status.
inline constexpr int kMaxNormsOfVersion = 200;

// Thread-safe. `instrument` is a resource name everywhere.
class Measures {
 public:
  // `built_in` must outlive the object and all that it returns.
  explicit Measures(const Catalogue& built_in) : built_in_(&built_in) {}

  const Catalogue& built_in() const { return *built_in_; }

  // The version that new assessments are scored by: the active one, or the newest of a built-in
  // instrument. Null: there is no such instrument. FAILED_PRECONDITION (STATE_NOT_ALLOWED) when the
  // practice's own has no active version.
  absl::StatusOr<DefinitionPtr> FindActive(const records::Reader& reader,
                                           const std::string& instrument) const;

  // The version that answers given at `answered` may be scored by when it is asked for by number.
  // Null: there is no such version. FAILED_PRECONDITION (STATE_NOT_ALLOWED) for a draft, and for
  // one that was retired before.
  absl::StatusOr<DefinitionPtr> FindForScoring(const records::Reader& reader,
                                               const std::string& instrument, int version,
                                               absl::Time answered) const;

  // That version, whatever its status; null: there is none.
  absl::StatusOr<DefinitionPtr> Find(const records::Reader& reader, const std::string& instrument,
                                     int version) const;

  // The version to read where none is asked for: the active one, else the newest; null: there is no
  // such instrument.
  absl::StatusOr<DefinitionPtr> FindShown(const records::Reader& reader,
                                          const std::string& instrument) const;

  // What a record was scored by, with the norms that were in force at `time`. INTERNAL if it is
  // lost, which only a release that drops a built-in version can bring about.
  absl::StatusOr<Measure> Of(const records::Reader& reader, const std::string& instrument,
                             int version, absl::Time time) const;

  // `definition` with the norms that were in force at `time`.
  static absl::StatusOr<Measure> WithNorms(const records::Reader& reader, DefinitionPtr definition,
                                           absl::Time time);

 private:
  const Catalogue* built_in_;
};

}  // namespace securebase::outcomes
