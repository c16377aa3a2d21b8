#include "services/outcomes/records/practice_fold.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/episodes/rules/members.h"
#include "services/episodes/rules/transitions.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/change.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

template <typename Map>
const typename Map::mapped_type& FindOrEmpty(const Map& map, const typename Map::key_type& key) {
  static const auto* const kEmpty = new typename Map::mapped_type();
  const auto found = map.find(key);
  return found == map.end() ? *kEmpty : found->second;
}

// The id of a series is a digest in hexadecimal digits (kinds.h).
bool ParseDigest(absl::string_view name, std::array<uint8_t, 16>& digest) {
  const std::string id = LastId(name);
  const std::string bytes = absl::HexStringToBytes(id);
  if (bytes.size() != digest.size() || absl::BytesToHexString(bytes) != id) {
    return false;
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return true;
}

std::string FormatDigest(const std::array<uint8_t, 16>& digest) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

// Dashboards show what waits in open episodes, and nobody need ever end what waits in closed ones:
// holding it would cost more and more. Risk alerts are the exception: somebody must.
bool MayWait(const EpisodeRow& row) {
  return row.status == episodes::v1::EPISODE_STATUS_UNSPECIFIED || episodes::IsOpen(row.status);
}

// Where the row with this id is, or would be.
template <typename Rows, typename Id>
auto PlaceOf(Rows& rows, const Id& id) {
  return std::lower_bound(rows.begin(), rows.end(), id,
                          [](const auto& row, const Id& other) { return row.id < other; });
}

template <typename Row>
void PutRow(Row row, std::vector<Row>& rows) {
  const auto place = PlaceOf(rows, row.id);
  if (place != rows.end() && place->id == row.id) {
    *place = std::move(row);
  } else {
    rows.insert(place, std::move(row));
  }
}

template <typename Row, typename Id>
void EraseRow(const Id& id, std::vector<Row>& rows) {
  const auto place = PlaceOf(rows, id);
  if (place != rows.end() && place->id == id) {
    rows.erase(place);
  }
}

// The keys of the rows that an episode counts in, by dimension in the order of the enum; at least
// one in each.
using Keys = std::array<std::vector<std::string>, 4>;

void Tidy(std::vector<std::string>& keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  if (keys.empty()) {
    keys.emplace_back();
  }
}

size_t PlaceOfDimension(v1::SummaryDimension dimension) {
  return dimension == v1::SUMMARY_DIMENSION_UNSPECIFIED ? 0 : static_cast<size_t>(dimension) - 1;
}

// The verdict of a headline, from its values: what is stored with a series was judged by the norms
// of its time.
void JudgeHeadline(const Measure& measure, bool completed, v1::SeriesHeadline& headline) {
  headline.set_verdict(v1::VERDICT_INSUFFICIENT_DATA);
  headline.set_reason_code(v1::CHANGE_REASON_NO_SCORE);
  headline.set_provisional(false);
  if (!headline.has_baseline()) {
    return;
  }
  const auto verdict =
      ClassifyChange(*measure.definition, headline.scale(), headline.baseline(),
                     completed ? std::optional<double>(headline.latest()) : std::nullopt,
                     {"", FindNorm(measure.norms, headline.scale())});
  if (verdict.ok()) {
    headline.set_verdict(verdict->verdict());
    headline.set_reason_code(verdict->reason_code());
    headline.set_provisional(verdict->provisional());
  }
}

bool IsCompleted(const v1::Series& series, const std::string& scale) {
  const v1::ScaleSummary* summary = FindSummary(series, scale);
  return summary != nullptr && summary->count_from_baseline() > 1;
}

}  // namespace

v1::SeriesHeadline MakeHeadline(const Measure& measure, const v1::Series& series) {
  const v1::Scale& scale = HeadlineScale(*measure.definition);
  v1::SeriesHeadline headline;
  headline.set_series(series.name());
  headline.set_instrument(series.instrument());
  headline.set_instrument_version(series.instrument_version());
  headline.set_subject(series.subject());
  headline.set_informant(series.informant());
  headline.set_relationship_target(series.relationship_target());
  headline.set_scale(scale.id());
  headline.set_domain(measure.definition->domain());
  headline.set_direction(scale.direction());
  const v1::ScaleSummary* summary = FindSummary(series, scale.id());
  if (summary != nullptr && summary->has_latest()) {
    headline.set_count(summary->count());
    headline.set_baseline(summary->baseline().value());
    headline.set_latest(summary->latest().value());
    headline.set_band(summary->latest().band());
    *headline.mutable_latest_answered_time() = summary->latest().answered_time();
  }
  JudgeHeadline(measure, IsCompleted(series, scale.id()), headline);
  return headline;
}

std::string PracticeFold::NameOf(absl::string_view collection, absl::string_view id) const {
  return absl::StrCat("practices/", practice_, "/", collection, "/", id);
}

EpisodeRow* PracticeFold::FindRow(absl::string_view episode) {
  return const_cast<EpisodeRow*>(Find(episode));
}

const EpisodeRow* PracticeFold::Find(absl::string_view episode) const {
  const std::optional<StringId> id = strings_.Find(LastId(episode));
  const auto found = id.has_value() ? by_id_.find(*id) : by_id_.end();
  return found == by_id_.end() ? nullptr : &episodes_[found->second];
}

EpisodeRow& PracticeFold::RowFor(absl::string_view episode) {
  const StringId id = strings_.Add(LastId(episode));
  const auto [found, is_new] = by_id_.emplace(id, static_cast<uint32_t>(episodes_.size()));
  if (is_new) {
    episodes_.emplace_back().id = id;
  }
  return episodes_[found->second];
}

WaitingRows& PracticeFold::WaitingFor(const EpisodeRow& row) {
  std::unique_ptr<WaitingRows>& waiting = waiting_[row.id];
  if (waiting == nullptr) {
    waiting = std::make_unique<WaitingRows>();
  }
  return *waiting;
}

const WaitingRows* PracticeFold::FindWaiting(const EpisodeRow& row) const {
  const auto found = waiting_.find(row.id);
  return found == waiting_.end() ? nullptr : found->second.get();
}

bool PracticeFold::HasRisk(const EpisodeRow& row) const {
  const WaitingRows* const waiting = FindWaiting(row);
  return waiting != nullptr &&
         std::any_of(waiting->alerts.begin(), waiting->alerts.end(),
                     [](const AlertRow& alert) { return alert.kind == v1::ALERT_KIND_RISK; });
}

void PracticeFold::Index(const EpisodeRow& row) {
  if (!episodes::IsOpen(row.status) && !(episodes::IsClosed(row.status) && HasRisk(row))) {
    return;
  }
  const std::string name = NameOf("episodes", strings_.Get(row.id));
  open_.insert(name);
  for (const StaffRef& staff : row.staff) {
    by_staff_[StaffOf(staff)].insert(name);
  }
}

void PracticeFold::Unindex(const EpisodeRow& row) {
  const std::string name = NameOf("episodes", strings_.Get(row.id));
  if (open_.erase(name) == 0) {
    return;
  }
  for (const StaffRef& staff : row.staff) {
    const auto found = by_staff_.find(StaffOf(staff));
    if (found != by_staff_.end() && found->second.erase(name) > 0 && found->second.empty()) {
      by_staff_.erase(found);
    }
  }
}

bool PracticeFold::Put(const episodes::v1::Episode& episode) {
  EpisodeRow& row = RowFor(episode.name());
  const bool was_closed = !MayWait(row);
  CountAll(row, -1);
  Unindex(row);
  row.status = episode.status();
  row.end_seconds = episode.end_time().seconds();
  row.staff.clear();
  for (const episodes::v1::CareTeamMember& member : episode.care_team()) {
    if (episodes::IsPresent(member)) {
      row.staff.push_back({strings_.Add(member.staff()),
                           member.role() == episodes::v1::CARE_TEAM_ROLE_LEAD_CLINICIAN});
    }
  }
  row.problems.clear();
  for (const episodes::v1::Problem& problem : episode.problems()) {
    row.problems.push_back(strings_.Add(problem.code()));
  }
  row.participants.clear();
  for (const episodes::v1::Participant& participant : episode.participants()) {
    row.participants.push_back(
        {strings_.Add(participant.id()), strings_.Add(participant.patient())});
  }
  if (const auto waiting = waiting_.find(row.id); waiting != waiting_.end() && !MayWait(row)) {
    std::vector<AlertRow>& alerts = waiting->second->alerts;
    alerts.erase(
        std::remove_if(alerts.begin(), alerts.end(),
                       [](const AlertRow& alert) { return alert.kind != v1::ALERT_KIND_RISK; }),
        alerts.end());
    waiting->second->schedules.clear();
    if (alerts.empty()) {
      waiting_.erase(waiting);
    }
  }
  Index(row);
  CountAll(row, 1);
  return was_closed && MayWait(row);
}

PracticeFold::Version PracticeFold::VersionOf(const Form& form) {
  return {LastId(form.instrument), form.version};
}

Measure PracticeFold::MeasureOf(const Version& version) const {
  Measure measure;
  const auto own = own_.find(version);
  measure.definition =
      own != own_.end()
          ? own->second
          : DefinitionPtr(DefinitionPtr(), built_in_->Find(version.first, version.second));
  for (const auto& [name, norm] : FindOrEmpty(norms_, version)) {
    measure.norms.push_back(norm);
  }
  return measure;
}

void PracticeFold::Put(const v1::InstrumentVersion& version) {
  const v1::InstrumentDefinition& definition = version.definition();
  const Version key(definition.id(), definition.version());
  if (version.status() == v1::PUBLICATION_STATUS_DRAFT) {
    own_.erase(key);  // nothing is scored by it, and it may still change
  } else {
    own_[key] = std::make_shared<const v1::InstrumentDefinition>(definition);
  }
}

void PracticeFold::Put(const v1::Norm& norm) {
  const Version version(LastId(norm.instrument()), norm.instrument_version());
  std::map<std::string, v1::Norm>& norms = norms_[version];
  norms.erase(norm.name());
  if (norm.status() == v1::PUBLICATION_STATUS_ACTIVE) {
    norms[norm.name()] = norm;
  }
  if (norms.empty()) {
    norms_.erase(version);
  }
  JudgeAnew(version);
}

void PracticeFold::JudgeAnew(const Version& version) {
  const Measure measure = MeasureOf(version);
  std::vector<bool> concerned;
  for (const Form& form : forms_) {
    concerned.push_back(VersionOf(form) == version);
  }
  for (EpisodeRow& episode : episodes_) {
    for (SeriesRow& series : episode.series) {
      if (!concerned[series.form]) {
        continue;
      }
      v1::SeriesHeadline headline = HeadlineOf(series);
      JudgeHeadline(measure, series.completed, headline);
      Count(episode, series, -1);
      series.verdict = static_cast<uint8_t>(headline.verdict());
      series.reason = static_cast<uint8_t>(headline.reason_code());
      series.provisional = headline.provisional();
      Count(episode, series, 1);
    }
  }
}

uint32_t PracticeFold::FormOf(const v1::SeriesHeadline& headline) {
  const auto found = std::find_if(forms_.begin(), forms_.end(), [&](const Form& form) {
    return form.instrument == headline.instrument() &&
           form.version == headline.instrument_version() && form.scale == headline.scale() &&
           form.domain == headline.domain() && form.direction == headline.direction();
  });
  if (found == forms_.end()) {
    forms_.push_back({headline.instrument(), headline.instrument_version(), headline.scale(),
                      headline.domain(), headline.direction()});
    return static_cast<uint32_t>(forms_.size()) - 1;
  }
  return static_cast<uint32_t>(found - forms_.begin());
}

absl::Status PracticeFold::Put(const v1::Series& series) {
  SeriesRow row{};
  if (!ParseDigest(series.name(), row.id)) {
    return Internal("the id of a series is not a digest");
  }
  const Measure measure = MeasureOf({LastId(series.instrument()), series.instrument_version()});
  if (measure.definition == nullptr || series.assessment_count() == 0) {
    Remove(series.name(), series.episode());
    return absl::OkStatus();
  }
  const v1::SeriesHeadline headline = MakeHeadline(measure, series);
  row.baseline = headline.baseline();
  row.latest = headline.latest();
  row.latest_seconds = headline.latest_answered_time().seconds();
  row.latest_nanos = headline.latest_answered_time().nanos();
  row.count = headline.count();
  row.subject = strings_.Add(headline.subject());
  row.informant = strings_.Add(headline.informant());
  row.relationship_target = strings_.Add(headline.relationship_target());
  row.band = strings_.Add(headline.band());
  row.form = FormOf(headline);
  row.verdict = static_cast<uint8_t>(headline.verdict());
  row.reason = static_cast<uint8_t>(headline.reason_code());
  row.has_values = headline.has_latest();
  row.provisional = headline.provisional();
  row.completed = IsCompleted(series, headline.scale());
  row.informants_too = SeriesKind().access(series).subjects.size() > 1;

  EpisodeRow& episode = RowFor(series.episode());
  const auto place = PlaceOf(episode.series, row.id);
  if (place != episode.series.end() && place->id == row.id) {
    Count(episode, *place, -1);
    *place = row;
  } else {
    episode.series.insert(place, row);
    ++series_count_;
  }
  Count(episode, row, 1);
  return absl::OkStatus();
}

void PracticeFold::Put(const v1::Alert& alert) {
  if (alert.state() == v1::ALERT_STATE_RESOLVED) {
    Remove(alert.name(), alert.episode());
    return;
  }
  const EpisodeRow& episode = RowFor(alert.episode());
  if (!MayWait(episode) && alert.kind() != v1::ALERT_KIND_RISK) {
    return;
  }
  AlertRow row;
  row.id = LastId(alert.name());
  row.instrument = strings_.Add(alert.instrument());
  row.kind = alert.kind();
  row.state = alert.state();
  row.risk_level = alert.risk_level();
  row.subject = strings_.Add(alert.subject());
  row.escalated = alert.has_escalated_time();
  row.eased = alert.has_eased_time();
  row.has_open_time = alert.has_open_time();
  row.open_seconds = alert.open_time().seconds();
  row.open_nanos = alert.open_time().nanos();
  for (const std::string& subject : AlertKind().access(alert).subjects) {
    row.subjects.push_back(strings_.Add(subject));
  }
  PutRow(std::move(row), WaitingFor(episode).alerts);
  Index(episode);
}

void PracticeFold::Put(const v1::Schedule& schedule) {
  if (schedule.status() != v1::SCHEDULE_STATUS_ACTIVE) {
    Remove(schedule.name(), schedule.episode());
    return;
  }
  const EpisodeRow& episode = RowFor(schedule.episode());
  if (!MayWait(episode)) {
    return;
  }
  ScheduleRow row;
  row.id = LastId(schedule.name());
  row.subject = strings_.Add(schedule.subject());
  row.informant = strings_.Add(schedule.informant());
  row.time_zone = strings_.Add(schedule.time_zone());
  row.informants_too = ScheduleKind().access(schedule).subjects.size() > 1;
  row.start_seconds = schedule.start_time().seconds();
  row.start_nanos = schedule.start_time().nanos();
  row.cadence_weeks = schedule.cadence_weeks();
  row.window_days = schedule.window_days();
  row.expiry_days = schedule.expiry_days();
  if (schedule.has_answered_through()) {
    row.answered_through = schedule.answered_through();
  }
  PutRow(std::move(row), WaitingFor(episode).schedules);
}

void PracticeFold::SetRules(absl::TimeZone zone, int smallest_group) {
  smallest_group_ = smallest_group;
  if (zone == zone_) {
    return;
  }
  zone_ = zone;
  summaries_.clear();
  for (const EpisodeRow& row : episodes_) {
    CountAll(row, 1);
  }
}

void PracticeFold::Remove(absl::string_view name, absl::string_view episode) {
  EpisodeRow* const row = FindRow(episode);
  if (row == nullptr) {
    return;
  }
  if (name == episode) {
    CountAll(*row, -1);
    Unindex(*row);
    row->status = episodes::v1::EPISODE_STATUS_UNSPECIFIED;
    return;
  }
  std::array<uint8_t, 16> digest;
  if (absl::StartsWith(name, NameOf("series", "")) && ParseDigest(name, digest)) {
    const auto series = PlaceOf(row->series, digest);
    if (series != row->series.end() && series->id == digest) {
      Count(*row, *series, -1);
      row->series.erase(series);
      --series_count_;
      return;
    }
  }
  const auto found = waiting_.find(row->id);
  if (found == waiting_.end()) {
    return;
  }
  WaitingRows& waiting = *found->second;
  // An alert's id holds its cause's digest, a schedule's is the server's or a client's choice: the
  // collection tells them apart.
  if (absl::StartsWith(name, NameOf("alerts", ""))) {
    EraseRow(LastId(name), waiting.alerts);
  } else if (absl::StartsWith(name, NameOf("schedules", ""))) {
    EraseRow(LastId(name), waiting.schedules);
  }
  if (waiting.alerts.empty() && waiting.schedules.empty()) {
    waiting_.erase(found);
  }
  if (!MayWait(*row) && !HasRisk(*row)) {
    Unindex(*row);
  }
}

void PracticeFold::CountAll(const EpisodeRow& row, int sign) {
  for (const SeriesRow& series : row.series) {
    Count(row, series, sign);
  }
}

// A patient of the EHR is one person in all episodes; whoever is none, only in this one.
StringId PracticeFold::PersonOf(const EpisodeRow& row, const SeriesRow& series) {
  for (const ParticipantRef& participant : row.participants) {
    if (participant.id == series.subject && participant.patient != 0) {
      return participant.patient;
    }
  }
  return strings_.Add(
      absl::StrCat("\x01", strings_.Get(row.id), "\x01", strings_.Get(series.subject)));
}

void PracticeFold::Count(const EpisodeRow& row, const SeriesRow& series, int sign) {
  if (!episodes::IsClosed(row.status)) {
    return;
  }
  SummaryItem item;
  item.verdict = static_cast<v1::Verdict>(series.verdict);
  if (series.completed) {
    item.values = {series.baseline, series.latest};
  }
  const absl::CivilSecond closed =
      absl::ToCivilSecond(absl::FromUnixSeconds(row.end_seconds), zone_);
  Keys keys;
  for (const StringId problem : row.problems) {
    keys[1].emplace_back(strings_.Get(problem));
  }
  for (const StaffRef& staff : row.staff) {
    if (staff.leads) {
      keys[2].push_back(StaffOf(staff));
    }
  }
  keys[3].push_back(absl::FormatCivilTime(absl::CivilMonth(closed)));
  Dimensions& dimensions = summaries_[VersionOf(forms_[series.form])];
  for (size_t i = 0; i < dimensions.size(); ++i) {
    Tidy(keys[i]);
    for (const int year : {0, static_cast<int>(closed.year())}) {
      // Persons take much of the memory, and only who may not choose a year asks about them.
      item.person = year == 0 ? std::optional<uint32_t>(PersonOf(row, series)) : std::nullopt;
      Groups& groups = dimensions[i][year];
      for (const std::string& key : keys[i]) {
        SummaryGroup& group = groups[key];
        if (sign > 0) {
          group.Add(item);
          continue;
        }
        group.Remove(item);
        if (group.count() == 0) {
          groups.erase(key);
        }
      }
      if (groups.empty()) {
        dimensions[i].erase(year);
      }
    }
  }
  if (dimensions[0].empty()) {
    summaries_.erase(VersionOf(forms_[series.form]));
  }
}

const std::set<std::string>& PracticeFold::OpenEpisodesOf(const std::string& staff) const {
  return FindOrEmpty(by_staff_, staff);
}

const PracticeFold::Groups& PracticeFold::SummaryOf(const std::string& instrument, int version,
                                                    v1::SummaryDimension dimension,
                                                    int year) const {
  return FindOrEmpty(
      FindOrEmpty(summaries_, Version(instrument, version))[PlaceOfDimension(dimension)], year);
}

v1::SeriesHeadline PracticeFold::HeadlineOf(const SeriesRow& series) const {
  const Form& form = forms_[series.form];
  v1::SeriesHeadline headline;
  headline.set_series(NameOf("series", FormatDigest(series.id)));
  headline.set_instrument(form.instrument);
  headline.set_instrument_version(form.version);
  headline.set_subject(std::string(strings_.Get(series.subject)));
  headline.set_informant(std::string(strings_.Get(series.informant)));
  headline.set_relationship_target(std::string(strings_.Get(series.relationship_target)));
  headline.set_scale(form.scale);
  headline.set_domain(form.domain);
  headline.set_direction(form.direction);
  headline.set_verdict(static_cast<v1::Verdict>(series.verdict));
  headline.set_reason_code(static_cast<v1::ChangeReason>(series.reason));
  if (series.has_values) {
    headline.set_count(series.count);
    headline.set_baseline(series.baseline);
    headline.set_latest(series.latest);
    headline.set_band(std::string(strings_.Get(series.band)));
    headline.mutable_latest_answered_time()->set_seconds(series.latest_seconds);
    headline.mutable_latest_answered_time()->set_nanos(series.latest_nanos);
    headline.set_provisional(series.provisional);
  }
  return headline;
}

records::Access PracticeFold::PairAccess(const EpisodeRow& row, StringId subject,
                                         StringId informant, bool informants_too) const {
  records::Access access{std::string(strings_.Get(row.id)), {std::string(strings_.Get(subject))}};
  if (informants_too) {
    access.subjects.emplace_back(strings_.Get(informant));
  }
  return access;
}

records::Access PracticeFold::AccessOf(const EpisodeRow& row, const SeriesRow& series) const {
  return PairAccess(row, series.subject, series.informant, series.informants_too);
}

v1::AlertSummary PracticeFold::SummaryOf(const AlertRow& alert) const {
  v1::AlertSummary summary;
  summary.set_alert(NameOf("alerts", alert.id));
  summary.set_kind(alert.kind);
  summary.set_state(alert.state);
  summary.set_risk_level(alert.risk_level);
  if (alert.has_open_time) {
    summary.mutable_open_time()->set_seconds(alert.open_seconds);
    summary.mutable_open_time()->set_nanos(alert.open_nanos);
  }
  summary.set_instrument(std::string(strings_.Get(alert.instrument)));
  summary.set_escalated(alert.escalated);
  summary.set_subject(std::string(strings_.Get(alert.subject)));
  summary.set_eased(alert.eased);
  return summary;
}

records::Access PracticeFold::AccessOf(const EpisodeRow& row, const AlertRow& alert) const {
  records::Access access{std::string(strings_.Get(row.id)), {}};
  for (const StringId subject : alert.subjects) {
    access.subjects.emplace_back(strings_.Get(subject));
  }
  return access;
}

v1::Schedule PracticeFold::ScheduleOf(const ScheduleRow& schedule) const {
  v1::Schedule result;
  result.set_name(NameOf("schedules", schedule.id));
  result.set_subject(std::string(strings_.Get(schedule.subject)));
  result.set_informant(std::string(strings_.Get(schedule.informant)));
  result.set_time_zone(std::string(strings_.Get(schedule.time_zone)));
  result.mutable_start_time()->set_seconds(schedule.start_seconds);
  result.mutable_start_time()->set_nanos(schedule.start_nanos);
  result.set_cadence_weeks(schedule.cadence_weeks);
  result.set_window_days(schedule.window_days);
  result.set_expiry_days(schedule.expiry_days);
  if (schedule.answered_through.has_value()) {
    result.set_answered_through(*schedule.answered_through);
  }
  return result;
}

records::Access PracticeFold::AccessOf(const EpisodeRow& row, const ScheduleRow& schedule) const {
  return PairAccess(row, schedule.subject, schedule.informant, schedule.informants_too);
}

std::string PracticeFold::DebugString() const {
  // By name: neither the order of the rows nor the numbers of the strings mean anything.
  std::map<absl::string_view, const EpisodeRow*> rows;
  for (const EpisodeRow& row : episodes_) {
    rows[strings_.Get(row.id)] = &row;
  }
  std::string text = absl::StrCat(zone_.name(), " ", smallest_group_, "\n");
  for (const auto& [id, row] : rows) {
    const WaitingRows* const waiting = FindWaiting(*row);
    if (row->status == episodes::v1::EPISODE_STATUS_UNSPECIFIED && row->series.empty() &&
        waiting == nullptr) {
      continue;  // nothing is left of it
    }
    absl::StrAppend(&text, id, " status ", row->status, " end ", row->end_seconds);
    for (const StaffRef& staff : row->staff) {
      absl::StrAppend(&text, " staff ", StaffOf(staff), staff.leads ? " leads" : "");
    }
    for (const StringId problem : row->problems) {
      absl::StrAppend(&text, " problem ", strings_.Get(problem));
    }
    for (const ParticipantRef& participant : row->participants) {
      absl::StrAppend(&text, " participant ", strings_.Get(participant.id), "=",
                      strings_.Get(participant.patient));
    }
    absl::StrAppend(&text, "\n");
    for (const SeriesRow& series : row->series) {
      absl::StrAppend(&text, "  ", HeadlineOf(series).ShortDebugString(),
                      series.completed ? " completed" : "", " of ",
                      absl::StrJoin(AccessOf(*row, series).subjects, ","), "\n");
    }
    if (waiting == nullptr) {
      continue;
    }
    for (const AlertRow& alert : waiting->alerts) {
      absl::StrAppend(&text, "  ", SummaryOf(alert).ShortDebugString(), " of ",
                      absl::StrJoin(AccessOf(*row, alert).subjects, ","), "\n");
    }
    for (const ScheduleRow& schedule : waiting->schedules) {
      absl::StrAppend(&text, "  ", ScheduleOf(schedule).ShortDebugString(), " of ",
                      absl::StrJoin(AccessOf(*row, schedule).subjects, ","), "\n");
    }
  }
  absl::StrAppend(&text, "open: ", absl::StrJoin(open_, " "), "\n");
  for (const auto& [staff, episode_names] : by_staff_) {
    absl::StrAppend(&text, staff, ": ", absl::StrJoin(episode_names, " "), "\n");
  }
  for (const auto& [version, definition] : own_) {
    absl::StrAppend(&text, version.first, " ", version.second, " ", definition->ShortDebugString(),
                    "\n");
  }
  for (const auto& [version, norms] : norms_) {
    for (const auto& [name, norm] : norms) {
      absl::StrAppend(&text, name, " ", norm.ShortDebugString(), "\n");
    }
  }
  for (const auto& [version, dimensions] : summaries_) {
    for (size_t i = 0; i < dimensions.size(); ++i) {
      for (const auto& [year, groups] : dimensions[i]) {
        for (const auto& [key, group] : groups) {
          std::set<absl::string_view> persons;
          for (const uint32_t person : group.persons()) {
            persons.insert(strings_.Get(person));
          }
          absl::StrAppend(&text, version.first, " ", version.second, " ", i, " ", year, " '", key,
                          "' ", group.count(), " ", group.completed(), " (",
                          absl::StrJoin(group.verdicts(), " "), ") sums ",
                          group.values().DebugString(), " persons ", absl::StrJoin(persons, " "),
                          "\n");
        }
      }
    }
  }
  return text;
}

}  // namespace securebase::outcomes
