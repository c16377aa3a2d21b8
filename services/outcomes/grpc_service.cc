#include "services/outcomes/grpc_service.h"

#include "securebase/outcomes/v1/outcomes_service.grpc.pb.h"

namespace securebase::outcomes {
namespace {

class Service final : public rpc::ServiceFor<v1::OutcomesService, OutcomeHandlers> {
 public:
  using ServiceFor::ServiceFor;
  SB_RPC(GetInstrument)
  SB_RPC(ListInstruments)
  SB_RPC(CreateInstrument)
  SB_RPC(CreateInstrumentVersion)
  SB_RPC(UpdateInstrumentVersion)
  SB_RPC(TransitionInstrumentVersion)
  SB_RPC(GetInstrumentVersion)
  SB_RPC(ListInstrumentVersions)
  SB_RPC(ImportInstrumentTexts)
  SB_RPC(GetInstrumentTexts)
  SB_RPC(ListInstrumentTexts)
  SB_RPC(DeleteInstrumentTexts)
  SB_RPC(CreateNorm)
  SB_RPC(GetNorm)
  SB_RPC(ListNorms)
  SB_RPC(TransitionNorm)
  SB_RPC(CreateSchedule)
  SB_RPC(GetSchedule)
  SB_RPC(ListSchedules)
  SB_RPC(EndSchedule)
  SB_RPC(ListDueAssessments)
  SB_RPC(SubmitAssessment)
  SB_RPC(BatchSubmitAssessments)
  SB_RPC(GetAssessment)
  SB_RPC(ListAssessments)
  SB_RPC(AmendAssessment)
  SB_RPC(MarkAssessmentEnteredInError)
  SB_RPC(GetSeries)
  SB_RPC(ListSeries)
  SB_RPC(SetSeriesBaseline)
  SB_RPC(GetAttachmentPlane)
  SB_RPC(GetPairedOutcome)
  SB_RPC(CompareInformants)
  SB_RPC(ListAlerts)
  SB_RPC(GetAlert)
  SB_RPC(AcknowledgeAlert)
  SB_RPC(ResolveAlert)
  SB_RPC(GetCaseload)
  SB_RPC(GetPracticeSummary)
  SB_RPC(GetConcordance)
  SB_RPC(ListJournal)
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeOutcomesGrpcService(OutcomeHandlers& handlers,
                                                                       rpc::Adapter& adapter) {
  return rpc::MakeService<Service>(handlers, adapter);
}

}  // namespace securebase::outcomes
