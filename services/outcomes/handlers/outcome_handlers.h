#pragma once

#include "absl/status/statusor.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/outcomes/records/measures.h"
#include "services/outcomes/records/practice_rules.h"
#include "services/outcomes/records/projection.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/api/call.h"
#include "services/platform/records/database.h"

namespace securebase::outcomes {

// The methods of securebase.outcomes.v1.OutcomesService, one function each; what they do and which
// errors they return stands in its proto. The call is authenticated and authorized, the request has
// passed the rules of its proto. Thread-safe.
class OutcomeHandlers {
 public:
  // All must outlive the object.
  OutcomeHandlers(const records::Database& database, const Catalogue& catalogue,
                  Projections& projections)
      : database_(database),
        measures_(catalogue),
        projections_(projections),
        release_(ReleaseOf(catalogue)) {}

  // instruments.cc
  absl::StatusOr<v1::Instrument> GetInstrument(const api::Call& call,
                                               const v1::GetInstrumentRequest& request) const;
  absl::StatusOr<v1::ListInstrumentsResponse> ListInstruments(
      const api::Call& call, const v1::ListInstrumentsRequest& request) const;
  absl::StatusOr<v1::InstrumentVersion> CreateInstrument(
      const api::Call& call, const v1::CreateInstrumentRequest& request) const;
  absl::StatusOr<v1::InstrumentVersion> CreateInstrumentVersion(
      const api::Call& call, const v1::CreateInstrumentVersionRequest& request) const;
  absl::StatusOr<v1::InstrumentVersion> UpdateInstrumentVersion(
      const api::Call& call, const v1::UpdateInstrumentVersionRequest& request) const;
  absl::StatusOr<v1::InstrumentVersion> TransitionInstrumentVersion(
      const api::Call& call, const v1::TransitionInstrumentVersionRequest& request) const;
  absl::StatusOr<v1::InstrumentVersion> GetInstrumentVersion(
      const api::Call& call, const v1::GetInstrumentVersionRequest& request) const;
  absl::StatusOr<v1::ListInstrumentVersionsResponse> ListInstrumentVersions(
      const api::Call& call, const v1::ListInstrumentVersionsRequest& request) const;

  // texts.cc
  absl::StatusOr<v1::ImportInstrumentTextsResponse> ImportInstrumentTexts(
      const api::Call& call, const v1::ImportInstrumentTextsRequest& request) const;
  absl::StatusOr<v1::InstrumentTexts> GetInstrumentTexts(
      const api::Call& call, const v1::GetInstrumentTextsRequest& request) const;
  absl::StatusOr<v1::ListInstrumentTextsResponse> ListInstrumentTexts(
      const api::Call& call, const v1::ListInstrumentTextsRequest& request) const;
  absl::StatusOr<google::protobuf::Empty> DeleteInstrumentTexts(
      const api::Call& call, const v1::DeleteInstrumentTextsRequest& request) const;

  // norms.cc
  absl::StatusOr<v1::Norm> CreateNorm(const api::Call& call,
                                      const v1::CreateNormRequest& request) const;
  absl::StatusOr<v1::Norm> GetNorm(const api::Call& call, const v1::GetNormRequest& request) const;
  absl::StatusOr<v1::ListNormsResponse> ListNorms(const api::Call& call,
                                                  const v1::ListNormsRequest& request) const;
  absl::StatusOr<v1::Norm> TransitionNorm(const api::Call& call,
                                          const v1::TransitionNormRequest& request) const;

  // schedules.cc
  absl::StatusOr<v1::Schedule> CreateSchedule(const api::Call& call,
                                              const v1::CreateScheduleRequest& request) const;
  absl::StatusOr<v1::Schedule> GetSchedule(const api::Call& call,
                                           const v1::GetScheduleRequest& request) const;
  absl::StatusOr<v1::ListSchedulesResponse> ListSchedules(
      const api::Call& call, const v1::ListSchedulesRequest& request) const;
  absl::StatusOr<v1::Schedule> EndSchedule(const api::Call& call,
                                           const v1::EndScheduleRequest& request) const;
  absl::StatusOr<v1::ListDueAssessmentsResponse> ListDueAssessments(
      const api::Call& call, const v1::ListDueAssessmentsRequest& request) const;

  // assessments.cc
  absl::StatusOr<v1::SubmitAssessmentResponse> SubmitAssessment(
      const api::Call& call, const v1::SubmitAssessmentRequest& request) const;
  absl::StatusOr<v1::BatchSubmitAssessmentsResponse> BatchSubmitAssessments(
      const api::Call& call, const v1::BatchSubmitAssessmentsRequest& request) const;
  absl::StatusOr<v1::Assessment> GetAssessment(const api::Call& call,
                                               const v1::GetAssessmentRequest& request) const;
  absl::StatusOr<v1::ListAssessmentsResponse> ListAssessments(
      const api::Call& call, const v1::ListAssessmentsRequest& request) const;
  absl::StatusOr<v1::SubmitAssessmentResponse> AmendAssessment(
      const api::Call& call, const v1::AmendAssessmentRequest& request) const;
  absl::StatusOr<v1::Assessment> MarkAssessmentEnteredInError(
      const api::Call& call, const v1::MarkAssessmentEnteredInErrorRequest& request) const;

  // series.cc
  absl::StatusOr<v1::GetSeriesResponse> GetSeries(const api::Call& call,
                                                  const v1::GetSeriesRequest& request) const;
  absl::StatusOr<v1::ListSeriesResponse> ListSeries(const api::Call& call,
                                                    const v1::ListSeriesRequest& request) const;
  absl::StatusOr<v1::Series> SetSeriesBaseline(const api::Call& call,
                                               const v1::SetSeriesBaselineRequest& request) const;
  absl::StatusOr<v1::GetAttachmentPlaneResponse> GetAttachmentPlane(
      const api::Call& call, const v1::GetAttachmentPlaneRequest& request) const;
  absl::StatusOr<v1::GetPairedOutcomeResponse> GetPairedOutcome(
      const api::Call& call, const v1::GetPairedOutcomeRequest& request) const;
  absl::StatusOr<v1::CompareInformantsResponse> CompareInformants(
      const api::Call& call, const v1::CompareInformantsRequest& request) const;

  // alerts.cc
  absl::StatusOr<v1::ListAlertsResponse> ListAlerts(const api::Call& call,
                                                    const v1::ListAlertsRequest& request) const;
  absl::StatusOr<v1::Alert> GetAlert(const api::Call& call,
                                     const v1::GetAlertRequest& request) const;
  absl::StatusOr<v1::Alert> AcknowledgeAlert(const api::Call& call,
                                             const v1::AcknowledgeAlertRequest& request) const;
  absl::StatusOr<v1::Alert> ResolveAlert(const api::Call& call,
                                         const v1::ResolveAlertRequest& request) const;

  // dashboards.cc
  absl::StatusOr<v1::GetCaseloadResponse> GetCaseload(const api::Call& call,
                                                      const v1::GetCaseloadRequest& request) const;
  absl::StatusOr<v1::GetPracticeSummaryResponse> GetPracticeSummary(
      const api::Call& call, const v1::GetPracticeSummaryRequest& request) const;
  absl::StatusOr<v1::GetConcordanceResponse> GetConcordance(
      const api::Call& call, const v1::GetConcordanceRequest& request) const;
  absl::StatusOr<v1::ListJournalResponse> ListJournal(const api::Call& call,
                                                      const v1::ListJournalRequest& request) const;

 private:
  absl::StatusOr<v1::SubmitAssessmentResponse> Submit(records::Write& write, const Measure& measure,
                                                      const PracticeRules& rules,
                                                      v1::Assessment assessment) const;

  // What an answer depends on beside the records: equal for releases that answer alike.
  static std::string ReleaseOf(const Catalogue& catalogue);

  const records::Database& database_;
  const Measures measures_;
  Projections& projections_;
  const std::string release_;
};

}  // namespace securebase::outcomes
