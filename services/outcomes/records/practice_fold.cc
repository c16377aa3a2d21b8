#include "services/outcomes/records/practice_fold.h"

#include "absl/strings/str_cat.h"
#include "services/episodes/rules/members.h"
#include "services/episodes/rules/transitions.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/series.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

template <typename Map>
const typename Map::mapped_type& FindOrEmpty(const Map& map, const std::string& key) {
  static const auto* const kEmpty = new typename Map::mapped_type();
  const auto found = map.find(key);
  return found == map.end() ? *kEmpty : found->second;
}

v1::AlertSummary Summarize(const v1::Alert& alert) {
  v1::AlertSummary summary;
  summary.set_alert(alert.name());
  summary.set_kind(alert.kind());
  summary.set_state(alert.state());
  summary.set_risk_level(alert.risk_level());
  if (alert.has_open_time()) {
    *summary.mutable_open_time() = alert.open_time();
  }
  summary.set_instrument(alert.instrument());
  summary.set_escalated(alert.has_escalated_time());
  return summary;
}

}  // namespace

v1::SeriesHeadline MakeHeadline(const v1::InstrumentDefinition& definition,
                                const v1::Series& series) {
  const v1::Scale& scale = HeadlineScale(definition);
  v1::SeriesHeadline headline;
  headline.set_series(series.name());
  headline.set_instrument(series.instrument());
  headline.set_subject(series.subject());
  headline.set_informant(series.informant());
  headline.set_relationship_target(series.relationship_target());
  headline.set_scale(scale.id());
  headline.set_domain(definition.domain());
  headline.set_direction(scale.direction());
  const v1::ScaleSummary* summary = FindSummary(series, scale.id());
  headline.set_verdict(v1::VERDICT_INSUFFICIENT_DATA);
  if (summary == nullptr || !summary->has_latest()) {
    return headline;
  }
  headline.set_count(summary->count());
  headline.set_baseline(summary->baseline().value());
  headline.set_latest(summary->latest().value());
  headline.set_band(summary->latest().band());
  *headline.mutable_latest_answered_time() = summary->latest().answered_time();
  headline.set_verdict(summary->verdict().verdict());
  headline.set_provisional(summary->verdict().provisional());
  return headline;
}

EpisodeRow& PracticeFold::RowFor(const std::string& record, const std::string& episode) {
  owners_[record] = episode;
  return rows_[episode];
}

void PracticeFold::Put(const episodes::v1::Episode& episode) {
  EpisodeRow& row = RowFor(episode.name(), episode.name());
  if (row.episode.has_value()) {
    Unindex(episode.name(), *row.episode);
  }
  row.episode = episode;
  if (episodes::IsOpen(episode.status())) {
    open_.insert(episode.name());
    for (const episodes::v1::CareTeamMember& member : episode.care_team()) {
      if (episodes::IsPresent(member)) {
        by_staff_[member.staff()].insert(episode.name());
      }
    }
  }
}

void PracticeFold::Unindex(const std::string& name, const episodes::v1::Episode& episode) {
  open_.erase(name);
  for (const episodes::v1::CareTeamMember& member : episode.care_team()) {
    const auto found = by_staff_.find(member.staff());
    if (found != by_staff_.end() && found->second.erase(name) > 0 && found->second.empty()) {
      by_staff_.erase(found);
    }
  }
}

void PracticeFold::Put(const v1::Series& series) {
  const v1::InstrumentDefinition* definition =
      catalogue_->Find(LastId(series.instrument()), series.instrument_version());
  if (definition == nullptr || series.assessment_count() == 0) {
    Remove(series.name());  // nothing to show
    return;
  }
  SeriesRow& row = RowFor(series.name(), series.episode()).series[series.name()];
  row.headline = MakeHeadline(*definition, series);
  row.access = SeriesKind().access(series);
  const v1::ScaleSummary* summary = FindSummary(series, row.headline.scale());
  row.completed = summary != nullptr && summary->count_from_baseline() > 1;
  by_instrument_[LastId(series.instrument())][series.name()] = series.episode();
}

void PracticeFold::Put(const v1::Alert& alert) {
  if (alert.state() == v1::ALERT_STATE_RESOLVED) {
    Remove(alert.name());
    return;
  }
  AlertRow& row = RowFor(alert.name(), alert.episode()).alerts[alert.name()];
  row.summary = Summarize(alert);
  row.access = AlertKind().access(alert);
  row.order.Clear();
  row.order.set_name(alert.name());
  row.order.set_kind(alert.kind());
  row.order.set_state(alert.state());
  row.order.set_risk_level(alert.risk_level());
  if (alert.has_open_time()) {
    *row.order.mutable_open_time() = alert.open_time();
  }
}

void PracticeFold::Put(const v1::Schedule& schedule) {
  if (schedule.status() != v1::SCHEDULE_STATUS_ACTIVE) {
    Remove(schedule.name());
    return;
  }
  ScheduleRow& row = RowFor(schedule.name(), schedule.episode()).schedules[schedule.name()];
  row.schedule = schedule;
  row.access = ScheduleKind().access(schedule);
}

void PracticeFold::Remove(const std::string& name) {
  const auto owner = owners_.find(name);
  if (owner == owners_.end()) {
    return;
  }
  const auto found = rows_.find(owner->second);
  owners_.erase(owner);
  EpisodeRow& row = found->second;
  if (row.episode.has_value() && row.episode->name() == name) {
    Unindex(name, *row.episode);
    row.episode.reset();
  }
  const auto series = row.series.find(name);
  if (series != row.series.end()) {
    const auto index = by_instrument_.find(LastId(series->second.headline.instrument()));
    index->second.erase(name);
    if (index->second.empty()) {
      by_instrument_.erase(index);
    }
    row.series.erase(series);
  }
  row.alerts.erase(name);
  row.schedules.erase(name);
  if (!row.episode.has_value() && row.series.empty() && row.alerts.empty() &&
      row.schedules.empty()) {
    rows_.erase(found);
  }
}

const EpisodeRow* PracticeFold::Find(const std::string& episode) const {
  const auto found = rows_.find(episode);
  return found == rows_.end() ? nullptr : &found->second;
}

const std::set<std::string>& PracticeFold::OpenEpisodesOf(const std::string& staff) const {
  return FindOrEmpty(by_staff_, staff);
}

const std::map<std::string, std::string>& PracticeFold::SeriesOf(
    const std::string& instrument) const {
  return FindOrEmpty(by_instrument_, instrument);
}

std::string PracticeFold::DebugString() const {
  std::string text;
  for (const auto& [name, row] : rows_) {
    absl::StrAppend(&text, name, "\n",
                    row.episode.has_value() ? row.episode->DebugString() : "no episode\n");
    for (const auto& [series, value] : row.series) {
      absl::StrAppend(&text, series, value.completed ? " completed " : " ",
                      value.headline.DebugString());
    }
    for (const auto& [alert, value] : row.alerts) {
      absl::StrAppend(&text, alert, " ", value.summary.DebugString(), value.order.DebugString());
    }
    for (const auto& [schedule, value] : row.schedules) {
      absl::StrAppend(&text, schedule, " ", value.schedule.DebugString());
    }
  }
  absl::StrAppend(&text, "open: ", absl::StrJoin(open_, " "), "\n");
  for (const auto& [staff, episode_names] : by_staff_) {
    absl::StrAppend(&text, staff, ": ", absl::StrJoin(episode_names, " "), "\n");
  }
  for (const auto& [instrument, series] : by_instrument_) {
    absl::StrAppend(&text, instrument, ": ", absl::StrJoin(series, " ", absl::PairFormatter("=")),
                    "\n");
  }
  return text;
}

}  // namespace securebase::outcomes
