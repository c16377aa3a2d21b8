#include "services/outcomes/records/kinds.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/outcomes/rules/schedule.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

using records::Access;
using records::Query;
using records::SortableTime;
using records::SortKey;
using storage::IndexEntry;

// Names of indexes, which are stored: never to be changed.
constexpr char kAssessmentsOfEpisode[] = "assessment-by-episode";
constexpr char kAssessmentsOfSeries[] = "assessment-by-series";
constexpr char kAllSeries[] = "series";
constexpr char kSeriesOfEpisode[] = "series-by-episode";
constexpr char kAllAlerts[] = "alert";
constexpr char kAlertsOfEpisode[] = "alert-by-episode";
constexpr char kAlertsOfCause[] = "alert-by-cause";
constexpr char kUnresolvedAlerts[] = "alert-unresolved";
constexpr char kUnresolvedAlertsOfSeries[] = "alert-unresolved-by-series";
constexpr char kWaitingRiskAlerts[] = "alert-waiting-risk";
constexpr char kAlertsToEscalate[] = "alert-to-escalate";
constexpr char kAllSchedules[] = "schedule";
constexpr char kSchedulesOfEpisode[] = "schedule-by-episode";
constexpr char kActiveSchedules[] = "schedule-active";
constexpr char kSchedulesByOpening[] = "schedule-open";
constexpr char kSchedulesByCheck[] = "schedule-check";
constexpr char kAllInstruments[] = "instrument";
constexpr char kAllVersions[] = "instrument-version";
constexpr char kTextsOfVersion[] = "instrument-texts";
constexpr char kAllNorms[] = "norm";

std::string Time(const google::protobuf::Timestamp& time) {
  return SortableTime(api::FromProto(time));
}

// Whose data it is: the subject's, and the informant's unless that is a member of staff.
Access AccessOf(const std::string& episode, const std::string& subject,
                const std::string& informant, v1::Informant role) {
  Access access{LastId(episode), {subject}};
  if (role != v1::INFORMANT_CLINICIAN) {
    access.subjects.push_back(informant);
  }
  return access;
}

template <typename Message>
Access AccessOf(const Message& message) {
  return AccessOf(message.episode(), message.subject(), message.informant(),
                  message.informant_role());
}

// 32 hexadecimal digits: half of a SHA-256 suffices where nobody chooses the input.
std::string Digest(const google::protobuf::Message& identity) {
  return absl::BytesToHexString(api::Fingerprint(identity).substr(0, 16));
}

std::vector<IndexEntry> IndexOf(const v1::Assessment& assessment) {
  const std::string answered = Time(assessment.answered_time());
  const std::string recorded = Time(assessment.create_time());
  const std::string id = LastId(assessment.name());
  return {{kAssessmentsOfEpisode, SortKey({LastId(assessment.episode()), answered, recorded, id})},
          {kAssessmentsOfSeries, SortKey({LastId(assessment.series()), answered, recorded, id})}};
}

std::vector<IndexEntry> IndexOf(const v1::Series& series) {
  const std::string instrument = LastId(series.instrument());
  const std::string id = LastId(series.name());
  return {{kAllSeries, SortKey({instrument, id})},
          {kSeriesOfEpisode, SortKey({LastId(series.episode()), instrument, id})}};
}

std::vector<IndexEntry> IndexOf(const v1::Alert& alert) {
  const std::string created = Time(alert.create_time());
  const std::string id = LastId(alert.name());
  std::vector<IndexEntry> index = {
      {kAllAlerts, SortKey({created, id})},
      {kAlertsOfEpisode, SortKey({LastId(alert.episode()), created, id})},
      {kAlertsOfCause, SortKey({id.substr(0, id.rfind('-')), created, id})}};
  if (alert.state() != v1::ALERT_STATE_RESOLVED) {
    index.push_back({kUnresolvedAlerts, SortKey({created, id})});
    if (!alert.series().empty()) {
      index.push_back({kUnresolvedAlertsOfSeries, SortKey({LastId(alert.series()), id})});
    }
  }
  if (alert.kind() == v1::ALERT_KIND_RISK && alert.state() == v1::ALERT_STATE_OPEN) {
    index.push_back({kWaitingRiskAlerts, SortKey({Time(alert.open_time()), id})});
  }
  if (alert.has_escalate_time()) {
    index.push_back({kAlertsToEscalate, SortKey({Time(alert.escalate_time()), id})});
  }
  return index;
}

std::vector<IndexEntry> IndexOf(const v1::Schedule& schedule) {
  const std::string created = Time(schedule.create_time());
  const std::string id = LastId(schedule.name());
  std::vector<IndexEntry> index = {
      {kAllSchedules, SortKey({created, id})},
      {kSchedulesOfEpisode, SortKey({LastId(schedule.episode()), created, id})}};
  if (schedule.status() == v1::SCHEDULE_STATUS_ACTIVE) {
    index.push_back({kActiveSchedules, SortKey({created, id})});
    index.push_back({kSchedulesByOpening, SortKey({SortableTime(WaitingSince(schedule)), id})});
    index.push_back({kSchedulesByCheck, SortKey({Time(schedule.next_check_time()), id})});
  }
  return index;
}

// Versions up to 100,000 in the order of their numbers.
std::string VersionKey(int version) { return absl::StrFormat("%06d", version); }

std::vector<IndexEntry> IndexOf(const v1::Instrument& instrument) {
  return {{kAllInstruments, LastId(instrument.name())}};
}

std::vector<IndexEntry> IndexOf(const v1::InstrumentVersion& version) {
  const v1::InstrumentDefinition& definition = version.definition();
  return {{kAllVersions, SortKey({definition.id(), VersionKey(definition.version())})}};
}

std::vector<IndexEntry> IndexOf(const v1::InstrumentTexts& texts) {
  // "practices/p/instruments/i/versions/v/texts/l", below the version.
  const std::string& name = texts.name();
  return {{kTextsOfVersion, SortKey({name.substr(0, name.rfind("/texts/")), texts.language()})}};
}

std::vector<IndexEntry> IndexOf(const v1::Norm& norm) {
  return {{kAllNorms, SortKey({LastId(norm.instrument()), VersionKey(norm.instrument_version()),
                               norm.scale(), LastId(norm.name())})}};
}

// What belongs to the practice and is nobody's data.
template <typename Message>
records::Kind<Message>* NewPracticeKind(const char* name) {
  return new records::Kind<Message>{name, [](const Message&) { return Access(); },
                                    [](const Message& message) { return IndexOf(message); }};
}

template <typename Message>
records::Kind<Message>* NewKind(const char* name) {
  return new records::Kind<Message>{name, [](const Message& message) { return AccessOf(message); },
                                    [](const Message& message) { return IndexOf(message); }};
}

template <typename Message>
std::string IdentityOf(const Message& message) {
  v1::Schedule identity;
  identity.set_episode(message.episode());
  identity.set_instrument(message.instrument());
  identity.set_subject(message.subject());
  identity.set_informant(message.informant());
  identity.set_relationship_target(message.relationship_target());
  return Digest(identity);
}

}  // namespace

const records::Kind<v1::Assessment>& AssessmentKind() {
  static const auto* kind = NewKind<v1::Assessment>("assessment");
  return *kind;
}

const records::Kind<v1::Series>& SeriesKind() {
  static const auto* kind = NewKind<v1::Series>("series");
  return *kind;
}

const records::Kind<v1::Alert>& AlertKind() {
  static const auto* kind = new records::Kind<v1::Alert>{
      "alert",
      [](const v1::Alert& alert) {
        return Access{LastId(alert.episode()),
                      {alert.data_subjects().begin(), alert.data_subjects().end()}};
      },
      [](const v1::Alert& alert) { return IndexOf(alert); }};
  return *kind;
}

const records::Kind<v1::Schedule>& ScheduleKind() {
  static const auto* kind = NewKind<v1::Schedule>("schedule");
  return *kind;
}

const records::Kind<v1::Instrument>& InstrumentKind() {
  static const auto* kind = NewPracticeKind<v1::Instrument>("instrument");
  return *kind;
}

const records::Kind<v1::InstrumentVersion>& InstrumentVersionKind() {
  static const auto* kind = NewPracticeKind<v1::InstrumentVersion>("instrument-version");
  return *kind;
}

const records::Kind<v1::InstrumentTexts>& InstrumentTextsKind() {
  static const auto* kind = NewPracticeKind<v1::InstrumentTexts>("instrument-texts");
  return *kind;
}

const records::Kind<v1::Norm>& NormKind() {
  static const auto* kind = NewPracticeKind<v1::Norm>("norm");
  return *kind;
}

const records::Kind<type::v1::Claim>& AllianceTurnKind() {
  static const auto* kind = new records::Kind<type::v1::Claim>{
      "alliance-turn", [](const type::v1::Claim&) { return Access(); },
      [](const type::v1::Claim&) { return std::vector<IndexEntry>(); },
      /*journaled=*/false};
  return *kind;
}

Query AssessmentsOfEpisode(absl::string_view episode) {
  return {.index = kAssessmentsOfEpisode, .prefix = SortKey({LastId(episode), ""})};
}
Query AssessmentsOfSeries(absl::string_view series) {
  return {.index = kAssessmentsOfSeries, .prefix = SortKey({LastId(series), ""})};
}
Query AllSeries() { return {.index = kAllSeries, .by_episode = kSeriesOfEpisode}; }
Query AllSeriesByEpisode() { return {.index = kSeriesOfEpisode}; }
Query SeriesOfEpisode(absl::string_view episode) {
  return {.index = kSeriesOfEpisode, .prefix = SortKey({LastId(episode), ""})};
}
Query SeriesOfEpisode(absl::string_view episode, absl::string_view instrument) {
  return {.index = kSeriesOfEpisode, .prefix = SortKey({LastId(episode), LastId(instrument), ""})};
}
Query AllAlerts() { return {.index = kAllAlerts, .reverse = true, .by_episode = kAlertsOfEpisode}; }
Query AlertsOfEpisode(absl::string_view episode) {
  return {.index = kAlertsOfEpisode, .prefix = SortKey({LastId(episode), ""}), .reverse = true};
}
Query UnresolvedAlerts() { return {.index = kUnresolvedAlerts, .by_episode = kAlertsOfEpisode}; }
Query UnresolvedAlertsOfSeries(absl::string_view series) {
  return {.index = kUnresolvedAlertsOfSeries, .prefix = SortKey({LastId(series), ""})};
}
Query AlertsOfCause(absl::string_view cause) {
  return {.index = kAlertsOfCause, .prefix = SortKey({std::string(cause), ""}), .reverse = true};
}
Query WaitingRiskAlerts() { return {.index = kWaitingRiskAlerts}; }
Query AlertsToEscalate(absl::Time until) {
  return {.index = kAlertsToEscalate, .until = SortableTime(until)};
}
Query AllSchedules() { return {.index = kAllSchedules, .by_episode = kSchedulesOfEpisode}; }
Query SchedulesOfEpisode(absl::string_view episode) {
  return {.index = kSchedulesOfEpisode, .prefix = SortKey({LastId(episode), ""})};
}
Query ActiveSchedules() { return {.index = kActiveSchedules, .by_episode = kSchedulesOfEpisode}; }
Query SchedulesOpenBefore(absl::Time until) {
  return {.index = kSchedulesByOpening,
          .until = SortableTime(until),
          .by_episode = kSchedulesOfEpisode};
}
Query SchedulesToCheck(absl::Time until) {
  return {.index = kSchedulesByCheck, .until = SortableTime(until)};
}

Query OwnInstruments() { return {.index = kAllInstruments}; }
Query AllVersions() { return {.index = kAllVersions}; }
Query TextsOf(absl::string_view version) {
  return {.index = kTextsOfVersion, .prefix = SortKey({std::string(version), ""})};
}
Query AllNorms() { return {.index = kAllNorms}; }
Query NormsOf(absl::string_view instrument) {
  return {.index = kAllNorms, .prefix = SortKey({LastId(instrument), ""})};
}
Query NormsOf(absl::string_view instrument, int version) {
  return {.index = kAllNorms, .prefix = SortKey({LastId(instrument), VersionKey(version), ""})};
}

std::string SeriesNameFor(const v1::Assessment& assessment) {
  const v1::Series identity = MakeSeries(assessment);
  return FormatName(kSeriesPattern, {PracticeOf(assessment.episode()), Digest(identity)});
}

v1::Series MakeSeries(const v1::Assessment& assessment) {
  v1::Series series;
  series.set_episode(assessment.episode());
  series.set_subject(assessment.subject());
  series.set_informant(assessment.informant());
  series.set_informant_role(assessment.informant_role());
  series.set_instrument(assessment.instrument());
  series.set_instrument_version(assessment.instrument_version());
  series.set_language(assessment.language());
  series.set_relationship_target(assessment.relationship_target());
  return series;
}

std::string ScheduleIdentity(const v1::Schedule& schedule) { return IdentityOf(schedule); }
std::string ScheduleIdentity(const v1::Assessment& assessment) { return IdentityOf(assessment); }
std::string ScheduleIdentity(const v1::Series& series) { return IdentityOf(series); }

std::string AlertCause(v1::AlertKind kind, absl::string_view about, absl::string_view scale) {
  v1::Alert identity;
  identity.set_kind(kind);
  identity.set_series(std::string(about));
  identity.set_scale(std::string(scale));
  return Digest(identity);
}

}  // namespace securebase::outcomes
