#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/dashboard.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/norm.pb.h"
#include "securebase/outcomes/v1/own_instrument.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/records/measures.h"
#include "services/outcomes/records/string_table.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/summary.h"
#include "services/platform/records/database.h"

namespace securebase::outcomes {

// What dashboards show of one series, packed: a practice has one row for every series it ever had.
struct SeriesRow {
  std::array<uint8_t, 16> id;  // the digest that is its name
  double baseline = 0;
  double latest = 0;
  int64_t latest_seconds = 0;  // when it was answered
  int32_t latest_nanos = 0;
  int32_t count = 0;
  StringId subject = 0;
  StringId informant = 0;
  StringId relationship_target = 0;
  StringId band = 0;
  uint32_t form = 0;  // of PracticeFold::forms_
  uint8_t verdict = 0;
  uint8_t reason = 0;  // why there is none
  bool has_values : 1;
  bool provisional : 1;
  bool completed : 1;       // a later value than the baseline's
  bool informants_too : 1;  // it is the informant's data as well as the subject's
};

struct AlertRow {
  std::string id;
  StringId instrument = 0;  // its name
  StringId subject = 0;
  v1::AlertKind kind = v1::ALERT_KIND_UNSPECIFIED;
  v1::AlertState state = v1::ALERT_STATE_UNSPECIFIED;
  v1::RiskLevel risk_level = v1::RISK_LEVEL_UNSPECIFIED;
  bool escalated = false;
  bool eased = false;
  bool has_open_time = false;
  int32_t open_nanos = 0;
  int64_t open_seconds = 0;
  absl::InlinedVector<StringId, 4> subjects;  // whose data it rests on
};

// As much of a schedule as ComputeDue and its access ask for.
struct ScheduleRow {
  std::string id;
  StringId subject = 0;
  StringId informant = 0;
  StringId time_zone = 0;
  bool informants_too = false;
  int64_t start_seconds = 0;
  int32_t start_nanos = 0;
  int32_t cadence_weeks = 0;
  int32_t window_days = 0;
  int32_t expiry_days = 0;
  std::optional<int32_t> answered_through;
};

struct StaffRef {
  StringId staff = 0;
  bool leads = false;
};

struct ParticipantRef {
  StringId id = 0;
  StringId patient = 0;  // 0: unknown to the EHR
};

// What dashboards need to know of one episode. A record may come before the episode it belongs to.
struct EpisodeRow {
  StringId id = 0;
  episodes::v1::EpisodeStatus status = episodes::v1::EPISODE_STATUS_UNSPECIFIED;  // not known yet
  int64_t end_seconds = 0;
  absl::InlinedVector<StaffRef, 2> staff;  // who treats at present, in the care team's order
  absl::InlinedVector<StringId, 4> problems;
  absl::InlinedVector<ParticipantRef, 2> participants;
  std::vector<SeriesRow> series;  // by id
};

// What waits for somebody in one episode, if that is open or not known yet; in a closed one risk
// alerts alone, which must not drop out of sight because an episode ends.
struct WaitingRows {
  std::vector<AlertRow> alerts;        // not resolved ones, by id
  std::vector<ScheduleRow> schedules;  // active ones, by id
};

// A practice's dashboards, folded from the present state of its records. What comes of it depends
// on that state alone, not on the order of the puts. Not thread-safe.
//
// It holds a row for every series and every episode, closed ones too, so rows are packed (under 300
// bytes a series, with all that is kept about its episode; bench_growth measures it) and whatever
// is polled is kept ready: an answer costs what stands in it, however many episodes are closed.
class PracticeFold {
 public:
  using Groups = std::map<std::string, SummaryGroup>;  // by the key of their row

  // `practice` is its id. `built_in` must outlive the object.
  PracticeFold(std::string practice, const Catalogue& built_in)
      : practice_(std::move(practice)), built_in_(&built_in) {}

  // The record's present state. INTERNAL: its name is not one that this service gives. An episode
  // that was closed and is open again returns true: what waits in it has to be put again. A version
  // of an instrument is put before the series that were scored by it, since it was there before
  // they were. Putting a norm judges every series of its scoring version again.
  void Put(const v1::InstrumentVersion& version);
  void Put(const v1::Norm& norm);
  bool Put(const episodes::v1::Episode& episode);
  absl::Status Put(const v1::Series& series);
  void Put(const v1::Alert& alert);
  void Put(const v1::Schedule& schedule);
  // The practice's settings. Changing the zone adds up every summary again.
  void SetRules(absl::TimeZone zone, int smallest_group);
  // The record is gone. `episode` is the one it belonged to, by name; for an episode itself.
  void Remove(absl::string_view name, absl::string_view episode);

  // By episode name; nullptr if nothing is known of it.
  const EpisodeRow* Find(absl::string_view episode) const;
  // Of that episode; nullptr: nothing waits.
  const WaitingRows* FindWaiting(const EpisodeRow& row) const;
  // PLANNED, ACTIVE or ON_HOLD, and closed ones in which a risk alert waits; by name.
  const std::set<std::string>& open_episodes() const { return open_; }
  // Those of them whose care team the member of staff is in at present.
  const std::set<std::string>& OpenEpisodesOf(const std::string& staff) const;

  // The closed episodes' series of one scoring version of an instrument (its id), in rows. `year`:
  // of the closing, 0: all of them; persons are counted for year 0 only.
  const Groups& SummaryOf(const std::string& instrument, int version,
                          v1::SummaryDimension dimension, int year) const;
  // Of the practice's settings.
  int smallest_group() const { return smallest_group_; }

  // A row as the contract shows it, and whose data it is.
  v1::SeriesHeadline HeadlineOf(const SeriesRow& series) const;
  records::Access AccessOf(const EpisodeRow& row, const SeriesRow& series) const;
  v1::AlertSummary SummaryOf(const AlertRow& alert) const;
  records::Access AccessOf(const EpisodeRow& row, const AlertRow& alert) const;
  v1::Schedule ScheduleOf(const ScheduleRow& schedule) const;  // what is in the row
  records::Access AccessOf(const EpisodeRow& row, const ScheduleRow& schedule) const;
  std::string StaffOf(const StaffRef& staff) const {
    return std::string(strings_.Get(staff.staff));
  }

  // Series that have something to show.
  size_t series_count() const { return series_count_; }
  // Rows of all kinds: how much work it is to load them again.
  size_t row_count() const { return series_count_ + episodes_.size() + waiting_.size(); }

  // All of it as text, for comparison.
  std::string DebugString() const;

 private:
  static constexpr int kDimensions = 4;

  // A scoring version: instrument id and number.
  using Version = std::pair<std::string, int>;
  // What the series of one form have in common.
  struct Form {
    std::string instrument;  // its name
    int version = 0;
    std::string scale;
    v1::Domain domain = v1::DOMAIN_UNSPECIFIED;
    v1::Direction direction = v1::DIRECTION_UNSPECIFIED;
  };
  // By year, 0 for all.
  using Years = std::map<int, Groups>;
  using Dimensions = std::array<Years, kDimensions>;

  EpisodeRow& RowFor(absl::string_view episode);
  EpisodeRow* FindRow(absl::string_view episode);
  WaitingRows& WaitingFor(const EpisodeRow& row);
  uint32_t FormOf(const v1::SeriesHeadline& headline);
  bool HasRisk(const EpisodeRow& row) const;
  static Version VersionOf(const Form& form);
  // With the norms in force; its definition is null when it is unknown.
  Measure MeasureOf(const Version& version) const;
  // After the norms of a version have changed.
  void JudgeAnew(const Version& version);
  void Index(const EpisodeRow& row);
  void Unindex(const EpisodeRow& row);
  // Adds what the series says to the summaries, or takes it out (sign −1), if the episode is
  // closed.
  void Count(const EpisodeRow& row, const SeriesRow& series, int sign);
  void CountAll(const EpisodeRow& row, int sign);
  StringId PersonOf(const EpisodeRow& row, const SeriesRow& series);
  records::Access PairAccess(const EpisodeRow& row, StringId subject, StringId informant,
                             bool informants_too) const;
  std::string NameOf(absl::string_view collection, absl::string_view id) const;

  const std::string practice_;
  const Catalogue* const built_in_;
  std::map<Version, DefinitionPtr> own_;                      // the practice's
  std::map<Version, std::map<std::string, v1::Norm>> norms_;  // in force, by name
  absl::TimeZone zone_ = absl::UTCTimeZone();
  int smallest_group_ = 0;
  StringTable strings_;
  std::vector<Form> forms_;
  std::deque<EpisodeRow> episodes_;
  absl::flat_hash_map<StringId, uint32_t> by_id_;                        // place in episodes_
  absl::flat_hash_map<StringId, std::unique_ptr<WaitingRows>> waiting_;  // by episode id
  std::set<std::string> open_;
  std::map<std::string, std::set<std::string>> by_staff_;
  std::map<Version, Dimensions> summaries_;
  size_t series_count_ = 0;
};

// Headline of a series as dashboards show it, judged by the measure's norms.
v1::SeriesHeadline MakeHeadline(const Measure& measure, const v1::Series& series);

}  // namespace securebase::outcomes
