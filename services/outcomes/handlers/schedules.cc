#include "services/outcomes/records/schedules.h"

#include <map>

#include "services/episodes/records/kinds.h"
#include "services/episodes/rules/transitions.h"
#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/informant.h"
#include "services/outcomes/rules/schedule.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/records/claims.h"

namespace securebase::outcomes {
namespace {

// A schedule that begins in the past would be born with missed occurrences.
constexpr absl::Duration kMaxLateStart = absl::Hours(24 * 7);
constexpr absl::Duration kMaxLookAhead = absl::Hours(24 * 7 * 8);

std::vector<FieldViolation> CheckStart(const v1::Schedule& schedule, absl::Time now) {
  if (api::FromProto(schedule.start_time()) < now - kMaxLateStart) {
    return {{"schedule.start_time", "must not be more than 7 days in the past"}};
  }
  return {};
}

records::Query QueryFor(const v1::ListSchedulesRequest& request) {
  if (!request.episode().empty()) {
    return SchedulesOfEpisode(request.episode());
  }
  return request.include_ended() ? AllSchedules() : ActiveSchedules();
}

bool Matches(const v1::ListDueAssessmentsRequest& request, absl::Time until,
             const v1::Schedule& schedule) {
  return schedule.status() == v1::SCHEDULE_STATUS_ACTIVE && WaitingSince(schedule) < until &&
         (request.episode().empty() || schedule.episode() == request.episode()) &&
         (request.informant().empty() || schedule.informant() == request.informant());
}

}  // namespace

absl::StatusOr<v1::Schedule> OutcomeHandlers::CreateSchedule(
    const api::Call& call, const v1::CreateScheduleRequest& request) const {
  return database_.Transact<v1::Schedule>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::Schedule> {
        v1::Schedule schedule = request.schedule();
        ClearServerFields(schedule);
        SB_ASSIGN_OR_RETURN(const episodes::v1::Episode episode,
                            ReadOpenEpisode(write, schedule.episode(), "schedule.episode"));
        SB_ASSIGN_OR_RETURN(const DefinitionPtr definition,
                            measures_.FindActive(write, schedule.instrument()));
        if (definition == nullptr) {
          return InvalidFields(
              {{"schedule.instrument", "is not in the catalogue; see ListInstruments"}});
        }
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        if (!schedule.has_start_time()) {
          *schedule.mutable_start_time() = api::ToProto(call.time);
        }
        v1::Informant role = schedule.informant_role();
        SB_RETURN_IF_ERROR(InvalidFields(
            Join({TakeLanguage("schedule.language", *schedule.mutable_language()),
                  CheckInformant(episode, *definition, schedule.subject(), schedule.informant(),
                                 call.time, "schedule", role),
                  CheckTarget(*definition, schedule.relationship_target(), "schedule"),
                  CheckStart(schedule, call.time),
                  CompleteSchedule(*definition, "schedule", schedule)})));
        schedule.set_informant_role(role);
        schedule.set_name(
            FormatName(kSchedulePattern, {call.practice(), write.IdOr(request.schedule_id())}));
        schedule.set_time_zone(rules.time_zone);
        schedule.set_status(v1::SCHEDULE_STATUS_ACTIVE);
        CountMisses(absl::InfinitePast(), schedule);
        SB_RETURN_IF_ERROR(records::ClaimExternalIdentifiers(
            write, kScheduleScope, {}, schedule.external_identifiers(), schedule.name(),
            "schedule.external_identifiers"));
        SB_RETURN_IF_ERROR(records::Claim(write, kActiveScheduleScope, ScheduleIdentity(schedule),
                                          schedule.name(), "measure, informant and subject"));
        return write.Create(ScheduleKind(), std::move(schedule));
      });
}

absl::StatusOr<v1::Schedule> OutcomeHandlers::GetSchedule(
    const api::Call& call, const v1::GetScheduleRequest& request) const {
  return database_.Get(call, ScheduleKind(), request.name());
}

absl::StatusOr<v1::ListSchedulesResponse> OutcomeHandlers::ListSchedules(
    const api::Call& call, const v1::ListSchedulesRequest& request) const {
  v1::ListSchedulesResponse response;
  const auto keep = [&](const v1::Schedule& schedule) {
    return (request.include_ended() || schedule.status() == v1::SCHEDULE_STATUS_ACTIVE) &&
           (request.episode().empty() || schedule.episode() == request.episode());
  };
  records::Page<v1::Schedule> page;
  if (request.has_external_identifier()) {
    SB_ASSIGN_OR_RETURN(page, records::ListByExternalIdentifier<v1::Schedule>(
                                  database_, call, request, ScheduleKind(), kScheduleScope, keep));
  } else {
    SB_ASSIGN_OR_RETURN(
        page, database_.List<v1::Schedule>(call, request, ScheduleKind(), QueryFor(request), keep));
  }
  MovePage(page, *response.mutable_schedules(), *response.mutable_next_page_token());
  return response;
}

absl::StatusOr<v1::Schedule> OutcomeHandlers::EndSchedule(
    const api::Call& call, const v1::EndScheduleRequest& request) const {
  return database_.Transact<v1::Schedule>(
      call, request, [&](records::Write& write) -> absl::StatusOr<v1::Schedule> {
        SB_ASSIGN_OR_RETURN(v1::Schedule schedule, write.Get(ScheduleKind(), request.name()));
        SB_RETURN_IF_ERROR(api::CheckEtag(schedule, request.etag()));
        if (schedule.status() != v1::SCHEDULE_STATUS_ACTIVE) {
          return TransitionNotAllowed("COMPLETED", "end", {});
        }
        SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(write));
        return outcomes::EndSchedule(write, rules, std::move(schedule), request.reason());
      });
}

absl::StatusOr<v1::ListDueAssessmentsResponse> OutcomeHandlers::ListDueAssessments(
    const api::Call& call, const v1::ListDueAssessmentsRequest& request) const {
  absl::Time until = call.time;
  if (request.has_until()) {
    until = std::clamp(api::FromProto(request.until()), call.time, call.time + kMaxLookAhead);
  }
  // Until excludes the bound itself, and what opens now is open.
  until += absl::Microseconds(1);
  v1::ListDueAssessmentsResponse response;
  SB_ASSIGN_OR_RETURN(auto page, database_.List<v1::Schedule>(
                                     call, request, ScheduleKind(), SchedulesOpenBefore(until),
                                     [&](const v1::Schedule& schedule) {
                                       return Matches(request, until, schedule);
                                     }));
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  std::map<std::string, bool> open;  // by episode
  for (const v1::Schedule& schedule : page.items) {
    const auto [known, unknown] = open.emplace(schedule.episode(), false);
    if (unknown) {
      SB_ASSIGN_OR_RETURN(const std::optional<episodes::v1::Episode> episode,
                          reader.Find(episodes::EpisodeKind(), schedule.episode()));
      known->second = episode.has_value() && episodes::IsOpen(episode->status());
    }
    if (known->second) {
      *response.add_due() = ComputeDue(schedule, call.time);
    }
  }
  response.set_next_page_token(page.next_page_token);
  return response;
}

}  // namespace securebase::outcomes
