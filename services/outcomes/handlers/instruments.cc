#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/own_instrument.h"
#include "services/outcomes/rules/publication.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/participants.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

using records::Write;

v1::Instrument MakeBuiltIn(const std::string& practice, const Catalogue& built_in,
                           const v1::InstrumentDefinition& definition) {
  v1::Instrument instrument;
  instrument.set_name(FormatName(kInstrumentPattern, {practice, definition.id()}));
  *instrument.mutable_definition() = definition;
  instrument.set_built_in(true);
  instrument.set_status(v1::PUBLICATION_STATUS_ACTIVE);
  instrument.set_active_version(built_in.Find(definition.id())->version());
  instrument.set_newest_version(instrument.active_version());
  return instrument;
}

bool MayKnow(const api::Call& call, const v1::Instrument& instrument) {
  return !api::IsParticipant(call) || instrument.status() != v1::PUBLICATION_STATUS_DRAFT;
}

int ShownVersion(const v1::Instrument& instrument) {
  return instrument.active_version() != 0 ? instrument.active_version()
                                          : instrument.newest_version();
}

absl::Status CheckDefinitionOf(const v1::InstrumentDefinition& definition, absl::string_view field,
                               int number, const Catalogue& built_in) {
  SB_RETURN_IF_ERROR(CheckSize(field, definition.ByteSizeLong(), kMaxDefinitionBytes));
  std::vector<FieldViolation> violations = CheckOwnDefinition(definition, built_in);
  if (definition.version() != number) {
    violations.push_back({"version", absl::StrCat("must be ", number, ", the next one")});
  }
  return InvalidFields(Below(field, std::move(violations)), Reason::kDefinitionInvalid);
}

absl::Status IsBuiltIn(absl::string_view name) {
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                   absl::StrCat(name, " is built in and changes with releases only; create an ",
                                "instrument of your own"));
}

// Of a version's name.
absl::Status CheckNotBuiltIn(const Catalogue& built_in, absl::string_view name) {
  const std::optional<VersionName> version = ParseVersionName(name);
  return version.has_value() &&
                 built_in.Find(LastId(version->instrument), version->number) != nullptr
             ? IsBuiltIn(name)
             : absl::OkStatus();
}

// Adds a draft, and notes it on the instrument.
absl::StatusOr<v1::InstrumentVersion> AddDraft(Write& write,
                                               const v1::InstrumentDefinition& definition,
                                               v1::Instrument& instrument) {
  v1::InstrumentVersion version;
  version.set_name(absl::StrCat(instrument.name(), "/versions/", definition.version()));
  *version.mutable_definition() = definition;
  version.set_status(v1::PUBLICATION_STATUS_DRAFT);
  AddChange(version.status(), write.now(), api::ActorOf(write.call()), "",
            *version.mutable_changes());
  FollowVersion(definition.version(), v1::PUBLICATION_STATUS_UNSPECIFIED, version.status(),
                instrument);
  return write.Create(InstrumentVersionKind(), std::move(version));
}

absl::StatusOr<v1::InstrumentVersion> Move(Write& write, v1::InstrumentVersion version,
                                           v1::PublicationStatus status, const std::string& reason,
                                           v1::Instrument& instrument) {
  SB_RETURN_IF_ERROR(CheckTransition(version.status(), status, version.changes()));
  FollowVersion(version.definition().version(), version.status(), status, instrument);
  version.set_status(status);
  AddChange(status, write.now(), api::ActorOf(write.call()), reason, *version.mutable_changes());
  return write.Update(InstrumentVersionKind(), std::move(version));
}

// A wording that no longer fits the items must not be shown with them.
absl::Status CheckTextsOf(Write& write, const v1::InstrumentVersion& version) {
  SB_ASSIGN_OR_RETURN(const std::vector<v1::InstrumentTexts> all,
                      write.FindAll(InstrumentTextsKind(), TextsOf(version.name()), kMaxLanguages));
  std::vector<FieldViolation> violations;
  for (const v1::InstrumentTexts& texts : all) {
    violations = Join({std::move(violations), Below(absl::StrCat("texts/", texts.language()),
                                                    CheckTexts(version.definition(), texts))});
  }
  return InvalidFields(violations, Reason::kDefinitionInvalid);
}

}  // namespace

absl::StatusOr<v1::Instrument> OutcomeHandlers::GetInstrument(
    const api::Call& call, const v1::GetInstrumentRequest& request) const {
  const Catalogue& built_in = measures_.built_in();
  const std::string id = LastId(request.name());
  if (!IsOwnInstrument(id)) {
    const v1::InstrumentDefinition* definition =
        request.version() == 0 ? built_in.Find(id) : built_in.Find(id, request.version());
    if (definition == nullptr) {
      return NotFound(built_in.Find(id) == nullptr
                          ? request.name()
                          : absl::StrCat(request.name(), "/versions/", request.version()));
    }
    return MakeBuiltIn(call.practice(), built_in, *definition);
  }
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(auto instrument, reader.Find(InstrumentKind(), request.name()));
  if (!instrument.has_value() || !MayKnow(call, *instrument)) {
    return NotFound(request.name());
  }
  SB_ASSIGN_OR_RETURN(
      v1::InstrumentVersion version,
      ReadVersion(reader, built_in, request.name(),
                  request.version() == 0 ? ShownVersion(*instrument) : request.version()));
  *instrument->mutable_definition() = std::move(*version.mutable_definition());
  return *std::move(instrument);
}

absl::StatusOr<v1::ListInstrumentsResponse> OutcomeHandlers::ListInstruments(
    const api::Call& call, const v1::ListInstrumentsRequest& request) const {
  const Catalogue& built_in = measures_.built_in();
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const std::vector<v1::Instrument> own,
                      reader.FindAll(InstrumentKind(), OwnInstruments(), kMaxOwnInstruments));
  std::map<std::string, const v1::Instrument*> all;  // null: built in
  for (const v1::InstrumentDefinition* definition : built_in.Newest()) {
    if (request.domain() == v1::DOMAIN_UNSPECIFIED || definition->domain() == request.domain()) {
      all[definition->id()] = nullptr;
    }
  }
  for (const v1::Instrument& instrument : own) {
    if (MayKnow(call, instrument)) {
      all[LastId(instrument.name())] = &instrument;
    }
  }
  std::vector<std::string> ids;
  ids.reserve(all.size());
  for (const auto& [id, instrument] : all) {
    ids.push_back(id);
  }
  SB_ASSIGN_OR_RETURN(KeyPage page, CutPage(database_, call, request, ids));
  v1::ListInstrumentsResponse response;
  response.set_next_page_token(std::move(page.next_page_token));
  for (const std::string& id : page.keys) {
    if (all[id] == nullptr) {
      *response.add_instruments() = MakeBuiltIn(call.practice(), built_in, *built_in.Find(id));
      continue;
    }
    v1::Instrument instrument = *all[id];
    SB_ASSIGN_OR_RETURN(v1::InstrumentVersion version,
                        ReadVersion(reader, built_in, instrument.name(), ShownVersion(instrument)));
    if (request.domain() != v1::DOMAIN_UNSPECIFIED &&
        version.definition().domain() != request.domain()) {
      continue;
    }
    *instrument.mutable_definition() = std::move(*version.mutable_definition());
    *response.add_instruments() = std::move(instrument);
  }
  return response;
}

absl::StatusOr<v1::InstrumentVersion> OutcomeHandlers::CreateInstrument(
    const api::Call& call, const v1::CreateInstrumentRequest& request) const {
  SB_RETURN_IF_ERROR(
      CheckDefinitionOf(request.definition(), "definition", 1, measures_.built_in()));
  return database_.Transact<v1::InstrumentVersion>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::InstrumentVersion> {
        SB_ASSIGN_OR_RETURN(const auto own,
                            write.FindAll(InstrumentKind(), OwnInstruments(), kMaxOwnInstruments));
        if (static_cast<int>(own.size()) >= kMaxOwnInstruments) {
          return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
                           absl::StrCat("the practice has ", kMaxOwnInstruments, " instruments"));
        }
        v1::Instrument instrument;
        instrument.set_name(
            FormatName(kInstrumentPattern, {call.practice(), request.definition().id()}));
        SB_ASSIGN_OR_RETURN(v1::InstrumentVersion version,
                            AddDraft(write, request.definition(), instrument));
        SB_RETURN_IF_ERROR(write.Create(InstrumentKind(), std::move(instrument)).status());
        return version;
      });
}

absl::StatusOr<v1::InstrumentVersion> OutcomeHandlers::CreateInstrumentVersion(
    const api::Call& call, const v1::CreateInstrumentVersionRequest& request) const {
  if (measures_.built_in().Find(LastId(request.parent())) != nullptr) {
    return IsBuiltIn(request.parent());
  }
  return database_.Transact<v1::InstrumentVersion>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::InstrumentVersion> {
        SB_ASSIGN_OR_RETURN(v1::Instrument instrument,
                            write.Get(InstrumentKind(), request.parent()));
        const int number = instrument.newest_version() + 1;
        SB_RETURN_IF_ERROR(
            CheckDefinitionOf(request.definition(), "definition", number, measures_.built_in()));
        if (request.definition().id() != LastId(request.parent())) {
          return InvalidFields({{"definition.id", "must be that of the instrument"}},
                               Reason::kDefinitionInvalid);
        }
        if (number > kMaxVersions) {
          return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
                           absl::StrCat("the instrument has ", kMaxVersions, " versions"));
        }
        SB_ASSIGN_OR_RETURN(const v1::InstrumentVersion newest,
                            ReadVersion(write, measures_.built_in(), instrument.name(),
                                        instrument.newest_version()));
        if (newest.status() == v1::PUBLICATION_STATUS_DRAFT) {
          return MakeError(
              absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
              absl::StrCat(newest.name(), " is a draft; update, activate or retire ", "it first"),
              {{"resource", newest.name()}});
        }
        SB_ASSIGN_OR_RETURN(v1::InstrumentVersion version,
                            AddDraft(write, request.definition(), instrument));
        SB_RETURN_IF_ERROR(write.Update(InstrumentKind(), std::move(instrument)).status());
        return version;
      });
}

absl::StatusOr<v1::InstrumentVersion> OutcomeHandlers::UpdateInstrumentVersion(
    const api::Call& call, const v1::UpdateInstrumentVersionRequest& request) const {
  const v1::InstrumentVersion& changes = request.instrument_version();
  SB_RETURN_IF_ERROR(CheckNotBuiltIn(measures_.built_in(), changes.name()));
  return database_.Transact<v1::InstrumentVersion>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::InstrumentVersion> {
        SB_ASSIGN_OR_RETURN(v1::InstrumentVersion version,
                            write.Get(InstrumentVersionKind(), changes.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(version, changes.etag()));
        if (version.status() != v1::PUBLICATION_STATUS_DRAFT) {
          return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                           absl::StrCat(version.name(), " has been in use, so that it never ",
                                        "changes; add a version"),
                           {{"state", StatusWord(version.status())}});
        }
        const std::string id = version.definition().id();
        const int number = version.definition().version();
        SB_RETURN_IF_ERROR(
            api::MergeUpdate(request.update_mask(), changes, "instrument_version", version));
        if (version.definition().id() != id) {
          return InvalidFields(
              {{"instrument_version.definition.id", "must be that of the instrument"}},
              Reason::kDefinitionInvalid);
        }
        SB_RETURN_IF_ERROR(CheckDefinitionOf(version.definition(), "instrument_version.definition",
                                             number, measures_.built_in()));
        return write.Update(InstrumentVersionKind(), std::move(version));
      });
}

absl::StatusOr<v1::InstrumentVersion> OutcomeHandlers::TransitionInstrumentVersion(
    const api::Call& call, const v1::TransitionInstrumentVersionRequest& request) const {
  SB_RETURN_IF_ERROR(CheckNotBuiltIn(measures_.built_in(), request.name()));
  return database_.Transact<v1::InstrumentVersion>(
      call, request, [&](Write& write) -> absl::StatusOr<v1::InstrumentVersion> {
        SB_ASSIGN_OR_RETURN(v1::InstrumentVersion version,
                            write.Get(InstrumentVersionKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(version, request.etag()));
        const std::string name =
            FormatName(kInstrumentPattern, {call.practice(), version.definition().id()});
        SB_ASSIGN_OR_RETURN(v1::Instrument instrument, write.Get(InstrumentKind(), name));
        SB_RETURN_IF_ERROR(CheckTransition(version.status(), request.status(), version.changes()));
        if (request.status() == v1::PUBLICATION_STATUS_ACTIVE) {
          // What was checked as a draft may have been so by an earlier release.
          SB_RETURN_IF_ERROR(CheckDefinitionOf(version.definition(), "definition",
                                               version.definition().version(),
                                               measures_.built_in()));
          SB_RETURN_IF_ERROR(CheckTextsOf(write, version));
          if (instrument.active_version() != 0) {
            SB_ASSIGN_OR_RETURN(
                v1::InstrumentVersion former,
                write.Get(InstrumentVersionKind(),
                          absl::StrCat(name, "/versions/", instrument.active_version())));
            SB_RETURN_IF_ERROR(Move(write, std::move(former), v1::PUBLICATION_STATUS_RETIRED,
                                    "superseded", instrument)
                                   .status());
          }
        }
        SB_ASSIGN_OR_RETURN(version, Move(write, std::move(version), request.status(),
                                          request.reason(), instrument));
        SB_RETURN_IF_ERROR(write.Update(InstrumentKind(), std::move(instrument)).status());
        return version;
      });
}

absl::StatusOr<v1::InstrumentVersion> OutcomeHandlers::GetInstrumentVersion(
    const api::Call& call, const v1::GetInstrumentVersionRequest& request) const {
  const std::optional<VersionName> name = ParseVersionName(request.name());
  if (!name.has_value()) {
    return NotFound(request.name());
  }
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  return ReadVersion(reader, measures_.built_in(), name->instrument, name->number);
}

absl::StatusOr<v1::ListInstrumentVersionsResponse> OutcomeHandlers::ListInstrumentVersions(
    const api::Call& call, const v1::ListInstrumentVersionsRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  int newest = 0;
  const std::string id = LastId(request.parent());
  if (IsOwnInstrument(id)) {
    SB_ASSIGN_OR_RETURN(const auto instrument, reader.Find(InstrumentKind(), request.parent()));
    newest =
        instrument.has_value() && MayKnow(call, *instrument) ? instrument->newest_version() : 0;
  } else if (const auto* definition = measures_.built_in().Find(id); definition != nullptr) {
    newest = definition->version();
  }
  if (newest == 0) {
    return NotFound(request.parent());
  }
  // Numbers have no gaps, but for versions that a release has dropped.
  std::vector<std::string> keys;
  std::map<std::string, int> numbers;
  for (int number = newest; number > 0; --number) {
    keys.push_back(absl::StrFormat("%06d", newest - number));
    numbers[keys.back()] = number;
  }
  SB_ASSIGN_OR_RETURN(KeyPage page, CutPage(database_, call, request, keys));
  v1::ListInstrumentVersionsResponse response;
  response.set_next_page_token(std::move(page.next_page_token));
  for (const std::string& key : page.keys) {
    auto version = ReadVersion(reader, measures_.built_in(), request.parent(), numbers[key]);
    if (absl::IsNotFound(version.status())) {
      continue;  // dropped, or a draft that is not for participants
    }
    SB_RETURN_IF_ERROR(version.status());
    *response.add_instrument_versions() = *std::move(version);
  }
  return response;
}

}  // namespace securebase::outcomes
