#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/time/time.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/outcomes/v1/alert.pb.h"
#include "securebase/outcomes/v1/dashboard.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "securebase/outcomes/v1/series.pb.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/records/database.h"

namespace securebase::outcomes {

// What dashboards need to know of one series.
struct SeriesRow {
  v1::SeriesHeadline headline;
  records::Access access;
  bool completed = false;  // a later value than the baseline's
};

struct AlertRow {
  v1::AlertSummary summary;
  records::Access access;
  v1::Alert order;  // only what MoreUrgent compares
};

struct ScheduleRow {
  v1::Schedule schedule;
  records::Access access;
};

// What dashboards need to know of one episode. A record may come before the episode it belongs to.
struct EpisodeRow {
  std::optional<episodes::v1::Episode> episode;
  std::map<std::string, SeriesRow> series;       // by name
  std::map<std::string, AlertRow> alerts;        // not resolved ones
  std::map<std::string, ScheduleRow> schedules;  // active ones
};

// A practice's dashboards, folded from the present state of its records. What comes of it depends
// on that state alone, not on the order of the puts. Not thread-safe.
class PracticeFold {
 public:
  explicit PracticeFold(const Catalogue& catalogue) : catalogue_(&catalogue) {}

  // The record's present state.
  void Put(const episodes::v1::Episode& episode);
  void Put(const v1::Series& series);
  void Put(const v1::Alert& alert);
  void Put(const v1::Schedule& schedule);
  // The record is gone.
  void Remove(const std::string& name);

  // By episode name; nullptr if there is none.
  const EpisodeRow* Find(const std::string& episode) const;
  // PLANNED, ACTIVE or ON_HOLD.
  const std::set<std::string>& open_episodes() const { return open_; }
  // Open ones whose care team the member of staff is in at present.
  const std::set<std::string>& OpenEpisodesOf(const std::string& staff) const;
  // Series of an instrument (its id), by name, with their episode.
  const std::map<std::string, std::string>& SeriesOf(const std::string& instrument) const;

  // All of it as text, for comparison.
  std::string DebugString() const;

 private:
  void Unindex(const std::string& name, const episodes::v1::Episode& episode);
  EpisodeRow& RowFor(const std::string& record, const std::string& episode);

  const Catalogue* catalogue_;
  std::map<std::string, EpisodeRow> rows_;
  std::map<std::string, std::string> owners_;  // record name -> episode name
  std::set<std::string> open_;
  std::map<std::string, std::set<std::string>> by_staff_;
  std::map<std::string, std::map<std::string, std::string>> by_instrument_;
};

// Headline of a series as dashboards show it.
v1::SeriesHeadline MakeHeadline(const v1::InstrumentDefinition& definition,
                                const v1::Series& series);

}  // namespace securebase::outcomes
