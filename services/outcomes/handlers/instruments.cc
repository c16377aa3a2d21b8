#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/kinds.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

// There are some forty: they need no store, and a page is cut from the list by id.
constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 200;

v1::Instrument MakeInstrument(const std::string& practice,
                              const v1::InstrumentDefinition& definition) {
  v1::Instrument instrument;
  instrument.set_name(FormatName(kInstrumentPattern, {practice, definition.id()}));
  *instrument.mutable_definition() = definition;
  return instrument;
}

}  // namespace

absl::StatusOr<v1::Instrument> OutcomeHandlers::GetInstrument(
    const api::Call& call, const v1::GetInstrumentRequest& request) const {
  const std::string id = LastId(request.name());
  const v1::InstrumentDefinition* definition =
      request.version() == 0 ? catalogue_.Find(id) : catalogue_.Find(id, request.version());
  if (definition == nullptr) {
    return NotFound(request.name());
  }
  return MakeInstrument(call.practice(), *definition);
}

absl::StatusOr<v1::ListInstrumentsResponse> OutcomeHandlers::ListInstruments(
    const api::Call& call, const v1::ListInstrumentsRequest& request) const {
  SB_ASSIGN_OR_RETURN(const std::string after,
                      database_.page_tokens().Open(call, request, request.page_token()));
  const int limit =
      request.page_size() <= 0 ? kDefaultPageSize : std::min(request.page_size(), kMaxPageSize);
  v1::ListInstrumentsResponse response;
  for (const v1::InstrumentDefinition* definition : catalogue_.Newest()) {
    if (definition->id() <= after ||
        (request.domain() != v1::DOMAIN_UNSPECIFIED && definition->domain() != request.domain())) {
      continue;
    }
    if (response.instruments_size() == limit) {
      SB_ASSIGN_OR_RETURN(*response.mutable_next_page_token(),
                          database_.page_tokens().Make(
                              call, request, LastId(response.instruments(limit - 1).name())));
      break;
    }
    *response.add_instruments() = MakeInstrument(call.practice(), *definition);
  }
  return response;
}

absl::StatusOr<const v1::InstrumentDefinition*> OutcomeHandlers::DefinitionOf(
    const std::string& instrument, int version) const {
  const v1::InstrumentDefinition* definition = catalogue_.Find(LastId(instrument), version);
  if (definition == nullptr) {
    return Internal(absl::StrCat("the definition of ", LastId(instrument), " version ", version,
                                 " is not in this release"));
  }
  return definition;
}

}  // namespace securebase::outcomes
