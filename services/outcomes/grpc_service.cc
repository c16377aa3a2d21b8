#include "services/outcomes/grpc_service.h"

namespace securebase::outcomes {

absl::StatusOr<std::unique_ptr<grpc::Service>> MakeOutcomesGrpcService(OutcomeHandlers& handlers,
                                                                       rpc::Adapter& adapter) {
  return rpc::MakeService(kOutcomesService, adapter,
                          {
                              SB_RPC(handlers, GetInstrument),
                              SB_RPC(handlers, ListInstruments),
                              SB_RPC(handlers, CreateInstrument),
                              SB_RPC(handlers, CreateInstrumentVersion),
                              SB_RPC(handlers, UpdateInstrumentVersion),
                              SB_RPC(handlers, TransitionInstrumentVersion),
                              SB_RPC(handlers, GetInstrumentVersion),
                              SB_RPC(handlers, ListInstrumentVersions),
                              SB_RPC(handlers, ImportInstrumentTexts),
                              SB_RPC(handlers, GetInstrumentTexts),
                              SB_RPC(handlers, ListInstrumentTexts),
                              SB_RPC(handlers, DeleteInstrumentTexts),
                              SB_RPC(handlers, CreateNorm),
                              SB_RPC(handlers, GetNorm),
                              SB_RPC(handlers, ListNorms),
                              SB_RPC(handlers, TransitionNorm),
                              SB_RPC(handlers, CreateSchedule),
                              SB_RPC(handlers, GetSchedule),
                              SB_RPC(handlers, ListSchedules),
                              SB_RPC(handlers, EndSchedule),
                              SB_RPC(handlers, ListDueAssessments),
                              SB_RPC(handlers, SubmitAssessment),
                              SB_RPC(handlers, BatchSubmitAssessments),
                              SB_RPC(handlers, GetAssessment),
                              SB_RPC(handlers, ListAssessments),
                              SB_RPC(handlers, AmendAssessment),
                              SB_RPC(handlers, MarkAssessmentEnteredInError),
                              SB_RPC(handlers, GetSeries),
                              SB_RPC(handlers, ListSeries),
                              SB_RPC(handlers, SetSeriesBaseline),
                              SB_RPC(handlers, GetAttachmentPlane),
                              SB_RPC(handlers, GetPairedOutcome),
                              SB_RPC(handlers, CompareInformants),
                              SB_RPC(handlers, ListAlerts),
                              SB_RPC(handlers, GetAlert),
                              SB_RPC(handlers, AcknowledgeAlert),
                              SB_RPC(handlers, ResolveAlert),
                              SB_RPC(handlers, GetCaseload),
                              SB_RPC(handlers, GetPracticeSummary),
                              SB_RPC(handlers, GetConcordance),
                              SB_RPC(handlers, ListJournal),
                          });
}

}  // namespace securebase::outcomes
