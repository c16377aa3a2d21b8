#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/episodes/records/kinds.h"
#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/intake.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/records/schedules.h"
#include "services/outcomes/rules/alert.h"
#include "services/outcomes/rules/informant.h"
#include "services/outcomes/rules/schedule.h"
#include "services/outcomes/rules/score.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/records/claims.h"

namespace securebase::outcomes {
namespace {

constexpr int kMaxRevisions = 20;

std::optional<int> AgeOf(const v1::Assessment& assessment) {
  return assessment.has_age_months() ? std::optional<int>(assessment.age_months()) : std::nullopt;
}

// Scores the answers as they stand in `assessment`; what is wrong with them, by path in it.
absl::StatusOr<std::vector<FieldViolation>> ScoreInto(const v1::InstrumentDefinition& definition,
                                                      v1::Assessment& assessment) {
  auto result = Score(definition, {assessment.answers().begin(), assessment.answers().end()},
                      {assessment.informant_role(), AgeOf(assessment), assessment.coding()});
  if (ReasonOf(result.status()) == Reason::kInvalidFields) {
    return ViolationsOf(result.status());
  }
  SB_RETURN_IF_ERROR(result.status());
  *assessment.mutable_result() = *std::move(result);
  return std::vector<FieldViolation>();
}

// The schedule that the assessment names must be the one it fits.
absl::StatusOr<std::vector<FieldViolation>> CheckSchedule(const records::Reader& reader,
                                                          const v1::Assessment& assessment,
                                                          const std::string& field) {
  if (assessment.schedule().empty()) {
    return std::vector<FieldViolation>();
  }
  const auto schedule = reader.Get(ScheduleKind(), assessment.schedule());
  SB_RETURN_IF_ERROR(absl::IsNotFound(schedule.status()) ? absl::OkStatus() : schedule.status());
  if (schedule.ok() && ScheduleIdentity(*schedule) == ScheduleIdentity(assessment)) {
    return std::vector<FieldViolation>();
  }
  return std::vector<FieldViolation>{
      {absl::StrCat(field, ".schedule"),
       "must be a schedule of this episode, instrument, subject, informant and target"}};
}

// A submission that has passed every check, scored and named; or what is wrong with it.
struct Prepared {
  Measure measure;
  v1::Assessment assessment;
  std::vector<FieldViolation> violations;
};

// The version that answers are scored by; null: there is none of that id or number.
absl::StatusOr<DefinitionPtr> FindDefinition(const records::Reader& reader,
                                             const Measures& measures,
                                             const v1::Assessment& assessment) {
  return assessment.instrument_version() == 0
             ? measures.FindActive(reader, assessment.instrument())
             : measures.FindForScoring(reader, assessment.instrument(),
                                       assessment.instrument_version(),
                                       api::FromProto(assessment.answered_time()));
}

absl::StatusOr<Prepared> Prepare(records::Write& write, const Measures& measures,
                                 const v1::Assessment& submitted, const std::string& id,
                                 const std::string& field) {
  Prepared prepared;
  v1::Assessment& assessment = prepared.assessment;
  assessment = submitted;
  ClearServerFields(assessment);
  SB_ASSIGN_OR_RETURN(
      const episodes::v1::Episode episode,
      ReadEpisodeAnsweredIn(write, assessment.episode(), api::FromProto(assessment.answered_time()),
                            field + ".episode"));
  SB_ASSIGN_OR_RETURN(DefinitionPtr found, FindDefinition(write, measures, assessment));
  if (found == nullptr) {
    prepared.violations = {
        assessment.instrument_version() == 0
            ? FieldViolation{field + ".instrument", "is not in the catalogue; see ListInstruments"}
            : FieldViolation{field + ".instrument_version",
                             "is no version of the instrument; see ListInstrumentVersions"}};
    return prepared;
  }
  SB_ASSIGN_OR_RETURN(prepared.measure, Measures::WithNorms(write, std::move(found), write.now()));
  const v1::InstrumentDefinition& definition = *prepared.measure.definition;
  v1::Informant role = assessment.informant_role();
  prepared.violations =
      Join({TakeLanguage(field + ".language", *assessment.mutable_language()),
            CheckAnsweredTime(assessment.answered_time(), field + ".answered_time"),
            CheckInformant(episode, definition, assessment.subject(), assessment.informant(),
                           api::FromProto(assessment.answered_time()), field, role),
            CheckTarget(definition, assessment.relationship_target(), field)});
  assessment.set_informant_role(role);
  if (api::IsParticipant(write.call()) &&
      assessment.informant() != write.SelfIn(assessment.episode())) {
    prepared.violations.push_back(
        {field + ".informant", "a participant submits what they answered themself"});
  }
  SB_ASSIGN_OR_RETURN(std::vector<FieldViolation> wrong, ScoreInto(definition, assessment));
  // Scoring looks at the informant too; once is enough to be told.
  wrong.erase(std::remove_if(wrong.begin(), wrong.end(),
                             [](const FieldViolation& v) { return v.field == "informant"; }),
              wrong.end());
  prepared.violations = Join({std::move(prepared.violations), Below(field, std::move(wrong))});
  SB_ASSIGN_OR_RETURN(std::vector<FieldViolation> schedule,
                      CheckSchedule(write, assessment, field));
  prepared.violations = Join({std::move(prepared.violations), std::move(schedule)});
  assessment.set_name(FormatName(kAssessmentPattern, {write.call().practice(), write.IdOr(id)}));
  return prepared;
}

v1::SubmitAssessmentResponse MakeResponse(const api::Call& call, v1::Assessment assessment,
                                          Consequences consequences) {
  v1::SubmitAssessmentResponse response;
  for (const v1::RiskAnswer& answer : assessment.result().risk_answers()) {
    *response.add_risk_answers() = answer;
    if (answer.state() == v1::RISK_STATE_PRESENT) {
      response.set_notice(std::string(kNoEmergencyService));
    }
  }
  assessment.clear_revisions();
  *response.mutable_assessment() = std::move(assessment);
  if (api::IsParticipant(call)) {
    return response;  // what was concluded from it is for clinicians
  }
  for (v1::Alert& alert : consequences.alerts) {
    *response.add_alerts() = std::move(alert);
  }
  for (const v1::ScaleSummary& scale : consequences.series.scales()) {
    *response.add_verdicts() = scale.verdict();
  }
  response.set_baseline_moved(consequences.baseline_moved);
  return response;
}

// A participant's answer holds what they sent, though what follows from it concerns others too.
void NarrowResult(records::Write& write, const std::string& episode) {
  if (api::IsParticipant(write.call())) {
    write.SetResultAccess({LastId(episode), {write.SelfIn(episode)}});
  }
}

// Of one episode: what a repeat of the call gets is shown to whoever may see that one.
absl::Status CheckBatch(const api::Call& call, const v1::BatchSubmitAssessmentsRequest& request) {
  std::vector<FieldViolation> violations;
  for (int i = 0; i < request.submissions_size(); ++i) {
    const v1::AssessmentSubmission& submission = request.submissions(i);
    SB_RETURN_IF_ERROR(api::CheckNamesNothing(call, "assessment_id", submission.assessment_id(),
                                              submission.assessment().external_identifiers_size()));
    if (submission.assessment().episode() != request.submissions(0).assessment().episode()) {
      violations.push_back({absl::StrCat("submissions[", i, "].assessment.episode"),
                            "must be the episode of the first"});
    }
  }
  return InvalidFields(violations);
}

v1::AssessmentRevision MakeRevision(const v1::Assessment& assessment, const api::Call& call,
                                    const std::string& reason) {
  v1::AssessmentRevision revision;
  *revision.mutable_revision_time() = assessment.revision_time();
  *revision.mutable_answers() = assessment.answers();
  revision.set_coding(assessment.coding());
  if (assessment.has_age_months()) {
    revision.set_age_months(assessment.age_months());
  }
  *revision.mutable_answered_time() = assessment.answered_time();
  *revision.mutable_result() = assessment.result();
  *revision.mutable_end_time() = api::ToProto(call.time);
  *revision.mutable_replaced_by() = api::ActorOf(call);
  revision.set_reason(reason);
  return revision;
}

absl::Status CheckMayChange(const v1::Assessment& assessment, const std::string& etag,
                            const std::string& verb) {
  SB_RETURN_IF_ERROR(api::CheckEtag(assessment, etag));
  return assessment.status() == v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR
             ? TransitionNotAllowed("ENTERED_IN_ERROR", verb, {})
             : absl::OkStatus();
}

void Amend(const v1::AmendAssessmentRequest& request, const api::Call& call,
           v1::Assessment& assessment) {
  *assessment.add_revisions() = MakeRevision(assessment, call, request.reason());
  *assessment.mutable_answers() = request.answers();
  assessment.set_coding(request.coding());
  if (request.has_age_months()) {
    assessment.set_age_months(request.age_months());
  }
  if (request.has_answered_time()) {
    *assessment.mutable_answered_time() = request.answered_time();
  }
  assessment.set_status(v1::ASSESSMENT_STATUS_AMENDED);
  assessment.set_status_reason(request.reason());
  *assessment.mutable_status_time() = api::ToProto(call.time);
  *assessment.mutable_revision_time() = api::ToProto(call.time);
}

bool Matches(const v1::ListAssessmentsRequest& request, const v1::Assessment& assessment) {
  const absl::Time answered = api::FromProto(assessment.answered_time());
  const type::v1::Period& period = request.answered();
  return (request.include_entered_in_error() ||
          assessment.status() != v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR) &&
         (request.episode().empty() || assessment.episode() == request.episode()) &&
         (request.series().empty() || assessment.series() == request.series()) &&
         (request.instrument().empty() || assessment.instrument() == request.instrument()) &&
         (!period.has_start_time() || api::FromProto(period.start_time()) <= answered) &&
         (!period.has_end_time() || answered < api::FromProto(period.end_time()));
}

}  // namespace

absl::StatusOr<v1::SubmitAssessmentResponse> OutcomeHandlers::Submit(
    records::Write& write, const Measure& measure, const PracticeRules& rules,
    v1::Assessment assessment) const {
  const api::Call& call = write.call();
  assessment.set_instrument_version(measure.definition->version());
  assessment.set_status(v1::ASSESSMENT_STATUS_COMPLETED);
  *assessment.mutable_recorded_by() = api::ActorOf(call);
  *assessment.mutable_revision_time() = api::ToProto(call.time);
  assessment.set_series(SeriesNameFor(assessment));
  SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(
      write, kAssessmentScope, {}, assessment.external_identifiers(), assessment.name(),
      "assessment.external_identifiers"));
  SB_ASSIGN_OR_RETURN(const auto schedule, FindSchedule(write, assessment));
  // What was answered before the first occurrence opened answers nothing.
  if (schedule.has_value() &&
      OccurrenceAt(*schedule, api::FromProto(assessment.answered_time())).has_value()) {
    assessment.set_schedule(schedule->name());
  }
  SB_RETURN_IF_ERROR(AnswerSchedule(write, rules, assessment));
  SB_ASSIGN_OR_RETURN(assessment, write.Create(AssessmentKind(), std::move(assessment)));
  SB_ASSIGN_OR_RETURN(Consequences consequences,
                      ApplyAssessment(write, measure, rules, assessment, /*is_new=*/true));
  return MakeResponse(call, std::move(assessment), std::move(consequences));
}

absl::StatusOr<v1::SubmitAssessmentResponse> OutcomeHandlers::SubmitAssessment(
    const api::Call& call, const v1::SubmitAssessmentRequest& request) const {
  SB_RETURN_IF_ERROR(api::CheckNamesNothing(call, "assessment_id", request.assessment_id(),
                                            request.assessment().external_identifiers_size()));
  return database_.Transact<v1::SubmitAssessmentResponse>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::SubmitAssessmentResponse> {
        SB_ASSIGN_OR_RETURN(Prepared prepared, Prepare(write, measures_, request.assessment(),
                                                       request.assessment_id(), "assessment"));
        SB_RETURN_IF_ERROR(InvalidFields(prepared.violations));
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        NarrowResult(write, request.assessment().episode());
        return Submit(write, prepared.measure, rules, std::move(prepared.assessment));
      });
}

absl::StatusOr<v1::BatchSubmitAssessmentsResponse> OutcomeHandlers::BatchSubmitAssessments(
    const api::Call& call, const v1::BatchSubmitAssessmentsRequest& request) const {
  SB_RETURN_IF_ERROR(CheckBatch(call, request));
  return database_.Transact<v1::BatchSubmitAssessmentsResponse>(
      call, request,
      [&](records::Write& write) -> absl::StatusOr<v1::BatchSubmitAssessmentsResponse> {
        std::vector<Prepared> all;
        std::vector<FieldViolation> violations;
        for (int i = 0; i < request.submissions_size(); ++i) {
          const v1::AssessmentSubmission& submission = request.submissions(i);
          SB_ASSIGN_OR_RETURN(
              Prepared prepared,
              Prepare(write, measures_, submission.assessment(), submission.assessment_id(),
                      absl::StrCat("submissions[", i, "].assessment")));
          violations = Join({std::move(violations), prepared.violations});
          all.push_back(std::move(prepared));
        }
        SB_RETURN_IF_ERROR(InvalidFields(violations));
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        v1::BatchSubmitAssessmentsResponse response;
        NarrowResult(write, request.submissions(0).assessment().episode());
        for (Prepared& prepared : all) {
          SB_ASSIGN_OR_RETURN(*response.add_responses(), Submit(write, prepared.measure, rules,
                                                                std::move(prepared.assessment)));
        }
        return response;
      });
}

absl::StatusOr<v1::Assessment> OutcomeHandlers::GetAssessment(
    const api::Call& call, const v1::GetAssessmentRequest& request) const {
  return database_.Get(call, AssessmentKind(), request.name());
}

absl::StatusOr<v1::ListAssessmentsResponse> OutcomeHandlers::ListAssessments(
    const api::Call& call, const v1::ListAssessmentsRequest& request) const {
  v1::ListAssessmentsResponse response;
  const auto keep = [&](const v1::Assessment& assessment) { return Matches(request, assessment); };
  records::Page<v1::Assessment> page;
  if (request.has_external_identifier()) {
    SB_ASSIGN_OR_RETURN(page,
                        records::ListByExternalIdentifier<v1::Assessment>(
                            database_, call, request, AssessmentKind(), kAssessmentScope, keep));
  } else if (!request.series().empty() || !request.episode().empty()) {
    records::Query query = request.series().empty() ? AssessmentsOfEpisode(request.episode())
                                                    : AssessmentsOfSeries(request.series());
    query.reverse = true;
    SB_ASSIGN_OR_RETURN(
        page, database_.List<v1::Assessment>(call, request, AssessmentKind(), query, keep));
  } else {
    return InvalidFields(
        {{"episode", "one of episode, series and external_identifier is required"}});
  }
  for (v1::Assessment& assessment : page.items) {
    assessment.clear_revisions();
  }
  MovePage(page, *response.mutable_assessments(), *response.mutable_next_page_token());
  return response;
}

absl::StatusOr<v1::SubmitAssessmentResponse> OutcomeHandlers::AmendAssessment(
    const api::Call& call, const v1::AmendAssessmentRequest& request) const {
  return database_.Transact<v1::SubmitAssessmentResponse>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::SubmitAssessmentResponse> {
        SB_ASSIGN_OR_RETURN(v1::Assessment assessment, write.Get(AssessmentKind(), request.name()));
        SB_RETURN_IF_ERROR(CheckMayChange(assessment, request.etag(), "amend"));
        if (assessment.revisions_size() >= kMaxRevisions) {
          return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kLimitExceeded,
                           "the assessment has been amended 20 times; enter it anew");
        }
        SB_ASSIGN_OR_RETURN(const Measure measure,
                            measures_.Of(write, assessment.instrument(),
                                         assessment.instrument_version(), call.time));
        Amend(request, call, assessment);
        SB_ASSIGN_OR_RETURN(std::vector<FieldViolation> wrong,
                            ScoreInto(*measure.definition, assessment));
        if (request.has_answered_time()) {
          wrong =
              Join({std::move(wrong), CheckAnsweredTime(request.answered_time(), "answered_time")});
        }
        SB_RETURN_IF_ERROR(InvalidFields(wrong));
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        SB_RETURN_IF_ERROR(AnswerSchedule(write, rules, assessment));
        SB_ASSIGN_OR_RETURN(assessment, write.Update(AssessmentKind(), std::move(assessment)));
        SB_ASSIGN_OR_RETURN(Consequences consequences,
                            ApplyAssessment(write, measure, rules, assessment, /*is_new=*/false));
        return MakeResponse(call, std::move(assessment), std::move(consequences));
      });
}

absl::StatusOr<v1::Assessment> OutcomeHandlers::MarkAssessmentEnteredInError(
    const api::Call& call, const v1::MarkAssessmentEnteredInErrorRequest& request) const {
  return database_.Transact<v1::Assessment>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::Assessment> {
        SB_ASSIGN_OR_RETURN(v1::Assessment assessment, write.Get(AssessmentKind(), request.name()));
        SB_RETURN_IF_ERROR(CheckMayChange(assessment, request.etag(), "enter in error"));
        SB_ASSIGN_OR_RETURN(const Measure measure,
                            measures_.Of(write, assessment.instrument(),
                                         assessment.instrument_version(), call.time));
        assessment.set_status(v1::ASSESSMENT_STATUS_ENTERED_IN_ERROR);
        assessment.set_status_reason(request.reason());
        *assessment.mutable_status_time() = api::ToProto(call.time);
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        // What was withdrawn may be entered again under its identifiers.
        SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(
            write, kAssessmentScope, assessment.external_identifiers(), {}, assessment.name(),
            "external_identifiers"));
        SB_RETURN_IF_ERROR(AnswerSchedule(write, rules, assessment));
        SB_ASSIGN_OR_RETURN(assessment, write.Update(AssessmentKind(), std::move(assessment)));
        SB_RETURN_IF_ERROR(
            ApplyAssessment(write, measure, rules, assessment, /*is_new=*/false).status());
        assessment.clear_revisions();
        return assessment;
      });
}

}  // namespace securebase::outcomes
