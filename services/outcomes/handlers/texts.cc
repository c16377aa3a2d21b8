#include <set>

#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/own_instrument.h"
#include "services/platform/api/actor.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

// What can be told of a wording without showing it.
v1::InstrumentTexts HeadOf(v1::InstrumentTexts texts) {
  texts.clear_title();
  texts.clear_instructions();
  texts.clear_items();
  texts.clear_answers();
  return texts;
}

// The version that the name is, or is below, as the caller may see it.
absl::StatusOr<v1::InstrumentVersion> VersionOf(const records::Reader& reader,
                                                const Catalogue& built_in,
                                                const std::string& name) {
  const std::optional<VersionName> parsed = ParseVersionName(name);
  if (!parsed.has_value()) {
    return NotFound(name);
  }
  return ReadVersion(reader, built_in, parsed->instrument, parsed->number);
}

std::vector<FieldViolation> CheckAll(const v1::InstrumentDefinition& definition,
                                     const v1::ImportInstrumentTextsRequest& request) {
  std::vector<FieldViolation> violations;
  std::set<std::string> languages;
  for (int i = 0; i < request.texts_size(); ++i) {
    const std::string field = absl::StrCat("texts[", i, "]");
    violations =
        Join({std::move(violations), Below(field, CheckTexts(definition, request.texts(i)))});
    if (!languages.insert(request.texts(i).language()).second) {
      violations.push_back({field + ".language", "is named twice"});
    }
  }
  return violations;
}

absl::StatusOr<v1::InstrumentTexts> SaveTexts(records::Write& write, const std::string& version,
                                              const v1::InstrumentTexts& sent) {
  const std::string name = absl::StrCat(version, "/texts/", sent.language());
  SB_ASSIGN_OR_RETURN(const auto stored, write.Find(InstrumentTextsKind(), name));
  SB_RETURN_IF_ERROR(
      api::CheckEtag(name, sent.etag(), stored.has_value() ? stored->etag() : std::string()));
  v1::InstrumentTexts texts = sent;
  texts.set_name(name);
  texts.clear_create_time();
  if (stored.has_value()) {
    *texts.mutable_create_time() = stored->create_time();
  }
  *texts.mutable_imported_by() = api::ActorOf(write.call());
  texts.set_item_count(texts.items_size());
  return write.Save(InstrumentTextsKind(), std::move(texts));
}

}  // namespace

absl::StatusOr<v1::ImportInstrumentTextsResponse> OutcomeHandlers::ImportInstrumentTexts(
    const api::Call& call, const v1::ImportInstrumentTextsRequest& request) const {
  SB_RETURN_IF_ERROR(CheckSize("texts", request.ByteSizeLong(), kMaxTextsBytes));
  return database_.Transact<v1::ImportInstrumentTextsResponse>(
      call, request,
      [&](records::Write& write) -> absl::StatusOr<v1::ImportInstrumentTextsResponse> {
        SB_ASSIGN_OR_RETURN(const v1::InstrumentVersion version,
                            VersionOf(write, measures_.built_in(), request.parent()));
        SB_RETURN_IF_ERROR(InvalidFields(CheckAll(version.definition(), request)));
        v1::ImportInstrumentTextsResponse response;
        for (const v1::InstrumentTexts& sent : request.texts()) {
          SB_ASSIGN_OR_RETURN(v1::InstrumentTexts saved, SaveTexts(write, version.name(), sent));
          *response.add_texts() = HeadOf(std::move(saved));
        }
        SB_ASSIGN_OR_RETURN(
            const auto all,
            write.FindAll(InstrumentTextsKind(), TextsOf(version.name()), kMaxLanguages + 1));
        if (static_cast<int>(all.size()) > kMaxLanguages) {
          return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
                           absl::StrCat("there are texts in ", kMaxLanguages, " languages"));
        }
        return response;
      });
}

absl::StatusOr<v1::InstrumentTexts> OutcomeHandlers::GetInstrumentTexts(
    const api::Call& call, const v1::GetInstrumentTextsRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_RETURN_IF_ERROR(VersionOf(reader, measures_.built_in(), request.name()).status());
  SB_ASSIGN_OR_RETURN(auto texts, reader.Find(InstrumentTextsKind(), request.name()));
  if (!texts.has_value()) {
    return NotFound(request.name());
  }
  return *std::move(texts);
}

absl::StatusOr<v1::ListInstrumentTextsResponse> OutcomeHandlers::ListInstrumentTexts(
    const api::Call& call, const v1::ListInstrumentTextsRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const v1::InstrumentVersion version,
                      VersionOf(reader, measures_.built_in(), request.parent()));
  SB_ASSIGN_OR_RETURN(
      std::vector<v1::InstrumentTexts> all,
      reader.FindAll(InstrumentTextsKind(), TextsOf(version.name()), kMaxLanguages));
  std::vector<std::string> languages;
  languages.reserve(all.size());
  for (const v1::InstrumentTexts& texts : all) {
    languages.push_back(texts.language());
  }
  SB_ASSIGN_OR_RETURN(KeyPage page, CutPage(database_, call, request, languages));
  v1::ListInstrumentTextsResponse response;
  response.set_next_page_token(std::move(page.next_page_token));
  for (v1::InstrumentTexts& texts : all) {
    if (std::binary_search(page.keys.begin(), page.keys.end(), texts.language())) {
      *response.add_texts() = HeadOf(std::move(texts));
    }
  }
  return response;
}

absl::StatusOr<google::protobuf::Empty> OutcomeHandlers::DeleteInstrumentTexts(
    const api::Call& call, const v1::DeleteInstrumentTextsRequest& request) const {
  return database_.Transact<google::protobuf::Empty>(
      call, request, [&](records::Write& write) -> absl::StatusOr<google::protobuf::Empty> {
        SB_ASSIGN_OR_RETURN(const v1::InstrumentTexts texts,
                            write.Get(InstrumentTextsKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(texts, request.etag()));
        SB_RETURN_IF_ERROR(write.Delete(InstrumentTextsKind(), request.name()));
        return google::protobuf::Empty();
      });
}

}  // namespace securebase::outcomes
