#include <algorithm>
#include <utility>

#include "services/plans/handlers/checks.h"
#include "services/plans/handlers/facts.h"
#include "services/plans/handlers/plan_handlers.h"
#include "services/plans/records/changes.h"
#include "services/plans/records/kinds.h"
#include "services/plans/rules/draft.h"
#include "services/platform/api/actor.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans {
namespace {

using records::Write;

bool IsWanted(const v1::ListTechniquesRequest& request, const v1::Technique& technique) {
  const auto has = [](const auto& values, const auto& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  return (request.family() == v1::TECHNIQUE_FAMILY_UNSPECIFIED ||
          request.family() == technique.family()) &&
         (request.population() == v1::POPULATION_UNSPECIFIED ||
          has(technique.populations(), request.population())) &&
         (request.problem().empty() || has(technique.problems(), request.problem()));
}

}  // namespace

absl::StatusOr<v1::Technique> PlanHandlers::CreateTechnique(
    const api::Call& call, const v1::CreateTechniqueRequest& request) {
  const v1::Technique& sent = request.technique();
  SB_RETURN_IF_ERROR(library_.guard().CheckTechnique(request.technique_id(), sent.title()));
  if (library_.FindTechnique(request.technique_id()) != nullptr) {
    return AlreadyExists("a built-in technique of this code");
  }
  v1::Technique technique;
  technique.set_name(FormatName(kTechniquePattern, {call.practice(), request.technique_id()}));
  technique.set_title(sent.title());
  technique.set_family(sent.family());
  technique.set_description(sent.description());
  *technique.mutable_populations() = sent.populations();
  *technique.mutable_problems() = sent.problems();
  *technique.mutable_instruments() = sent.instruments();
  technique.set_source(sent.source());
  *technique.mutable_created_by() = api::ActorOf(call);
  for (v1::GuardWarning& warning : rules::FindWarnings(
           library_.guard(), {}, {{"description", sent.description()}}, std::nullopt)) {
    *technique.add_warnings() = std::move(warning);
  }
  return database_.Transact<v1::Technique>(
      call, request, [&](Write& write) { return write.Create(TechniqueKind(), technique); });
}

absl::StatusOr<v1::Technique> PlanHandlers::GetTechnique(const api::Call& call,
                                                         const v1::GetTechniqueRequest& request) {
  const v1::Technique* built_in = library_.FindTechnique(LastId(request.name()));
  if (built_in != nullptr) {
    return ForPractice(*built_in, call.practice());
  }
  return database_.Get(call, TechniqueKind(), request.name());
}

absl::StatusOr<v1::ListTechniquesResponse> PlanHandlers::ListTechniques(
    const api::Call& call, const v1::ListTechniquesRequest& request) {
  SB_ASSIGN_OR_RETURN(auto page,
                      (database_.List<v1::Technique>(
                          call, request, TechniqueKind(), AllTechniques(),
                          [&](const auto& technique) { return IsWanted(request, technique); })));
  v1::ListTechniquesResponse response;
  for (v1::Technique& technique : page.items) {
    *response.add_techniques() = std::move(technique);
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

absl::StatusOr<v1::Library> PlanHandlers::GetLibrary(const api::Call& call,
                                                     const v1::GetLibraryRequest&) {
  v1::Library library = library_.data();
  for (v1::Technique& technique : *library.mutable_techniques()) {
    technique = ForPractice(technique, call.practice());
  }
  return library;
}

absl::StatusOr<v1::SuggestPlanResponse> PlanHandlers::SuggestPlan(
    const api::Call& call, const v1::SuggestPlanRequest& request) {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_RETURN_IF_ERROR(reader.CheckEpisode(request.episode()));
  SB_ASSIGN_OR_RETURN(const rules::Episode episode,
                      GetEpisode(*neighbours_.episodes, call, request.episode()));
  v1::SuggestPlanResponse response;
  SB_ASSIGN_OR_RETURN(*response.mutable_content(),
                      rules::DraftContent(library_, episode, request.basis(), "basis"));
  for (const v1::Requirement requirement : RequirementsFor(response.content(), episode)) {
    response.add_requirements(requirement);
  }
  response.set_library_version(library_.data().version());
  return response;
}

absl::StatusOr<v1::ListJournalResponse> PlanHandlers::ListJournal(
    const api::Call& call, const v1::ListJournalRequest& request) {
  return database_.ListJournal<v1::ListJournalResponse>(call, request);
}

}  // namespace securebase::plans
