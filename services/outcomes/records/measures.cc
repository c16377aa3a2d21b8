#include "services/outcomes/records/measures.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/own_instrument.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

using records::Reader;

// The catalogue keeps it alive.
DefinitionPtr Borrow(const v1::InstrumentDefinition* definition) {
  return DefinitionPtr(DefinitionPtr(), definition);
}

DefinitionPtr Own(v1::InstrumentVersion version) {
  return std::make_shared<const v1::InstrumentDefinition>(std::move(*version.mutable_definition()));
}

absl::Status NotInUse(const std::string& instrument, absl::string_view what) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                   absl::StrCat(instrument, " ", what), {{"resource", instrument}});
}

absl::StatusOr<std::optional<v1::InstrumentVersion>> FindVersion(const Reader& reader,
                                                                 const std::string& instrument,
                                                                 int version) {
  return reader.Find(InstrumentVersionKind(), absl::StrCat(instrument, "/versions/", version));
}

}  // namespace

absl::StatusOr<DefinitionPtr> Measures::FindActive(const Reader& reader,
                                                   const std::string& instrument) const {
  const std::string id = LastId(instrument);
  if (!IsOwnInstrument(id)) {
    return Borrow(built_in_->Find(id));
  }
  SB_ASSIGN_OR_RETURN(const auto found, reader.Find(InstrumentKind(), instrument));
  if (!found.has_value()) {
    return DefinitionPtr();
  }
  if (found->active_version() == 0) {
    return NotInUse(instrument, "has no active version; make one active");
  }
  return Find(reader, instrument, found->active_version());
}

absl::StatusOr<DefinitionPtr> Measures::FindForScoring(const Reader& reader,
                                                       const std::string& instrument, int version,
                                                       absl::Time answered) const {
  const std::string id = LastId(instrument);
  if (!IsOwnInstrument(id)) {
    return Borrow(built_in_->Find(id, version));
  }
  SB_ASSIGN_OR_RETURN(auto found, FindVersion(reader, instrument, version));
  if (!found.has_value()) {
    return DefinitionPtr();
  }
  if (!MayScore(*found, answered)) {
    return NotInUse(instrument, absl::StrCat("version ", version,
                                             " was not in use at the time of answering; name "
                                             "another, or none for the active one"));
  }
  return Own(*std::move(found));
}

absl::StatusOr<DefinitionPtr> Measures::Find(const Reader& reader, const std::string& instrument,
                                             int version) const {
  const std::string id = LastId(instrument);
  if (!IsOwnInstrument(id)) {
    return Borrow(built_in_->Find(id, version));
  }
  SB_ASSIGN_OR_RETURN(auto found, FindVersion(reader, instrument, version));
  return found.has_value() ? Own(*std::move(found)) : DefinitionPtr();
}

absl::StatusOr<DefinitionPtr> Measures::FindShown(const Reader& reader,
                                                  const std::string& instrument) const {
  const std::string id = LastId(instrument);
  if (!IsOwnInstrument(id)) {
    return Borrow(built_in_->Find(id));
  }
  SB_ASSIGN_OR_RETURN(const auto found, reader.Find(InstrumentKind(), instrument));
  if (!found.has_value()) {
    return DefinitionPtr();
  }
  return Find(reader, instrument,
              found->active_version() != 0 ? found->active_version() : found->newest_version());
}

absl::StatusOr<Measure> Measures::Of(const Reader& reader, const std::string& instrument,
                                     int version, absl::Time time) const {
  SB_ASSIGN_OR_RETURN(DefinitionPtr definition, Find(reader, instrument, version));
  if (definition == nullptr) {
    return Internal(absl::StrCat("the definition of ", LastId(instrument), " version ", version,
                                 " is neither in this release nor in the store"));
  }
  return WithNorms(reader, std::move(definition), time);
}

absl::StatusOr<Measure> Measures::WithNorms(const Reader& reader, DefinitionPtr definition,
                                            absl::Time time) {
  Measure measure;
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Norm> norms,
                      reader.FindAll(NormKind(), NormsOf(definition->id(), definition->version()),
                                     kMaxNormsOfVersion));
  measure.norms = NormsInForce(norms, time);
  measure.definition = std::move(definition);
  return measure;
}

}  // namespace securebase::outcomes
