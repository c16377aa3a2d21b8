#include "clients/cli/online/definitions.h"

#include "clients/cli/instruments.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/outcomes/rules/own_instrument.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::cli {
namespace {

constexpr char kGetInstrument[] = "securebase.outcomes.v1.OutcomesService.GetInstrument";

}  // namespace

absl::StatusOr<outcomes::v1::InstrumentDefinition> FindDefinition(Connections& connections,
                                                                  const std::string& instrument,
                                                                  int version) {
  if (!outcomes::IsOwnInstrument(LastId(instrument))) {
    return FindBuiltIn(LastId(instrument));
  }
  outcomes::v1::GetInstrumentRequest request;
  request.set_name(instrument);
  request.set_version(version);
  outcomes::v1::Instrument found;
  SB_RETURN_IF_ERROR(connections.Call(kGetInstrument, request, found));
  return std::move(*found.mutable_definition());
}

}  // namespace securebase::cli
