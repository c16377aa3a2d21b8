#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/assessment.pb.h"
#include "securebase/outcomes/v1/norm.pb.h"
#include "securebase/outcomes/v1/own_instrument.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/records/database.h"

// How outcomes keeps its records, and where it finds them again.
namespace securebase::outcomes {

inline constexpr absl::string_view kInstrumentPattern =
    "practices/{practice}/instruments/{instrument}";
inline constexpr absl::string_view kInstrumentVersionPattern =
    "practices/{practice}/instruments/{instrument}/versions/{version}";
inline constexpr absl::string_view kInstrumentTextsPattern =
    "practices/{practice}/instruments/{instrument}/versions/{version}/texts/{language}";
inline constexpr absl::string_view kNormPattern = "practices/{practice}/norms/{norm}";
inline constexpr absl::string_view kAssessmentPattern =
    "practices/{practice}/assessments/{assessment}";
inline constexpr absl::string_view kSeriesPattern = "practices/{practice}/series/{series}";
inline constexpr absl::string_view kAlertPattern = "practices/{practice}/alerts/{alert}";
inline constexpr absl::string_view kSchedulePattern = "practices/{practice}/schedules/{schedule}";
inline constexpr absl::string_view kAllianceTurnPattern =
    "practices/{practice}/episodes/{episode}/alliance-turns/{instrument}";

const records::Kind<v1::Assessment>& AssessmentKind();
const records::Kind<v1::Series>& SeriesKind();
const records::Kind<v1::Alert>& AlertKind();
const records::Kind<v1::Schedule>& ScheduleKind();
// The practice's own; stored without the definition, which is that of a version.
const records::Kind<v1::Instrument>& InstrumentKind();
const records::Kind<v1::InstrumentVersion>& InstrumentVersionKind();
const records::Kind<v1::InstrumentTexts>& InstrumentTextsKind();
const records::Kind<v1::Norm>& NormKind();
// Of one episode and instrument of the alliance: written by everything that compares its series, so
// that of two which do so at once, and would each miss what the other brings, one begins anew.
const records::Kind<type::v1::Claim>& AllianceTurnKind();

// Assessments, those entered in error included, by answered time, recorded time, id: of an episode,
// of a series.
records::Query AssessmentsOfEpisode(absl::string_view episode);
records::Query AssessmentsOfSeries(absl::string_view series);

// By instrument, then id.
records::Query AllSeries();
// The same by episode: about as they lie in the store, for a reading of all.
records::Query AllSeriesByEpisode();
records::Query SeriesOfEpisode(absl::string_view episode);
records::Query SeriesOfEpisode(absl::string_view episode, absl::string_view instrument);

// The newest first.
records::Query AllAlerts();
records::Query AlertsOfEpisode(absl::string_view episode);
// Not resolved only.
records::Query UnresolvedAlerts();
records::Query UnresolvedAlertsOfSeries(absl::string_view series);
// Every alert of one cause (its id without the number), the newest first.
records::Query AlertsOfCause(absl::string_view cause);
// Open risk alerts, the longest waiting first; those to be escalated before `until`, the earliest
// first.
records::Query WaitingRiskAlerts();
records::Query AlertsToEscalate(absl::Time until);

// In order of creation.
records::Query AllSchedules();
records::Query SchedulesOfEpisode(absl::string_view episode);
records::Query ActiveSchedules();
// Active ones whose next unanswered occurrence opens before `until`, the longest waiting first.
records::Query SchedulesOpenBefore(absl::Time until);
// Active ones of which an occurrence expires before `until`.
records::Query SchedulesToCheck(absl::Time until);

// The practice's own instruments, by id; all versions of all of them; texts of a version, by
// language.
records::Query OwnInstruments();
records::Query AllVersions();
records::Query TextsOf(absl::string_view version);
// By instrument, version, scale and id; those of an instrument, of one of its scoring versions.
records::Query AllNorms();
records::Query NormsOf(absl::string_view instrument);
records::Query NormsOf(absl::string_view instrument, int version);

// The name of the series that an assessment belongs to, derived from its identity: episode,
// subject, informant, role, instrument, scoring version, language and relationship target.
std::string SeriesNameFor(const v1::Assessment& assessment);

// A new series for the assessment, empty.
v1::Series MakeSeries(const v1::Assessment& assessment);

// What may be scheduled once at a time: "the same schedule" in a claim.
std::string ScheduleIdentity(const v1::Schedule& schedule);
std::string ScheduleIdentity(const v1::Assessment& assessment);
std::string ScheduleIdentity(const v1::Series& series);

// Scopes of claims (platform/records/claims.h).
inline constexpr absl::string_view kActiveScheduleScope = "active-schedules";
inline constexpr absl::string_view kAssessmentScope = "assessments";
inline constexpr absl::string_view kScheduleScope = "schedules";
inline constexpr absl::string_view kActiveNormScope = "active-norms";

// A cause of alerts: the same kind, in the same series, schedule or episode, on the same scale.
// Opaque; the ids of its alerts are "<cause>-1", "<cause>-2" …
std::string AlertCause(v1::AlertKind kind, absl::string_view about, absl::string_view scale);

}  // namespace securebase::outcomes
