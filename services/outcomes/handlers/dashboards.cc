#include <algorithm>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/episodes/records/kinds.h"
#include "services/outcomes/handlers/checks.h"
#include "services/outcomes/handlers/outcome_handlers.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/alert.h"
#include "services/outcomes/rules/change.h"
#include "services/outcomes/rules/dashboard.h"
#include "services/outcomes/rules/schedule.h"
#include "services/outcomes/rules/series.h"
#include "services/outcomes/rules/summary.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {
namespace {

constexpr int kDefaultLimit = 100;
constexpr int kMaxPerEntry = 20;
constexpr int kMaxRows = 500;
constexpr int kMaxSeriesOfEpisode = 500;
// To be raised by a release that gives another answer from the same records and instruments.
constexpr int kAnswerFormat = 1;
constexpr absl::Duration kPollInterval = absl::Seconds(15);  // house rule: a person's patience

// A dashboard that is asked for again and again: by whom, for what, answered by which release.
struct Poll {
  const std::string& release;
  const records::Reader& reader;
  const google::protobuf::Message& query;  // without the caller's etag
};

// Of an answer: all that it depends on, and when time alone changes it. "<digest>.<microseconds>",
// or "<digest>.-" for never. Whoever sends it back learns without any reading whether it holds.
std::string MakeEtag(const Poll& poll, const storage::Position& position,
                     const std::string& expires) {
  type::v1::ExternalIdentifier basis;
  basis.set_system(absl::StrCat(poll.release, "|", position.epoch, "|", position.sequence, "|",
                                poll.reader.view().version(), "|", expires));
  basis.set_value(absl::BytesToHexString(api::Fingerprint(poll.query)));
  return absl::StrCat(absl::BytesToHexString(api::Fingerprint(basis).substr(0, 16)), ".", expires);
}

std::string FormatExpiry(absl::Time time) {
  return time == absl::InfiniteFuture() ? "-" : absl::StrCat(absl::ToUnixMicros(time));
}

bool StillHolds(const Poll& poll, const std::string& known_etag,
                const storage::Position& position) {
  const size_t dot = known_etag.rfind('.');
  if (dot == std::string::npos) {
    return false;
  }
  const std::string expires = known_etag.substr(dot + 1);
  int64_t micros = 0;
  const bool current = expires == "-" || (absl::SimpleAtoi(expires, &micros) &&
                                          poll.reader.call().time < absl::FromUnixMicros(micros));
  return current && known_etag == MakeEtag(poll, position, expires);
}

// When to ask again, and whether what the caller knows still holds: then that is the whole answer.
template <typename Response>
bool AnswersNotModified(const Poll& poll, const std::string& known_etag,
                        const storage::Position& position, Response& response) {
  response.mutable_poll_after()->set_seconds(absl::ToInt64Seconds(kPollInterval));
  if (!StillHolds(poll, known_etag, position)) {
    return false;
  }
  response.set_etag(known_etag);
  response.set_not_modified(true);
  return true;
}

absl::Time ExpiryOf(const type::v1::AccessView& view) {
  return view.has_expire_time() ? api::FromProto(view.expire_time()) : absl::InfiniteFuture();
}

void AddAlerts(const records::Reader& reader, const PracticeFold& fold, const EpisodeRow& row,
               const WaitingRows& waiting, v1::CaseloadEntry& entry) {
  std::vector<v1::AlertSummary> visible;
  for (const AlertRow& alert : waiting.alerts) {
    if (reader.MaySee(fold.AccessOf(row, alert))) {
      visible.push_back(fold.SummaryOf(alert));
    }
  }
  std::sort(visible.begin(), visible.end(), MoreUrgent);
  for (v1::AlertSummary& alert : visible) {
    entry.set_urgency(std::max(entry.urgency(), UrgencyOf(alert)));
    if (entry.alerts_size() < kMaxPerEntry) {
      *entry.add_alerts() = std::move(alert);
    } else {
      entry.set_alerts_truncated(true);
    }
  }
}

void AddSeries(const records::Reader& reader, const PracticeFold& fold, const EpisodeRow& row,
               v1::CaseloadEntry& entry) {
  std::vector<const SeriesRow*> visible;
  for (const SeriesRow& series : row.series) {
    if (reader.MaySee(fold.AccessOf(row, series))) {
      visible.push_back(&series);
    }
  }
  std::stable_sort(visible.begin(), visible.end(), [](const SeriesRow* a, const SeriesRow* b) {
    return b->latest_seconds < a->latest_seconds;
  });
  for (const SeriesRow* series : visible) {
    if (entry.series_size() < kMaxPerEntry) {
      *entry.add_series() = fold.HeadlineOf(*series);
    } else {
      entry.set_series_truncated(true);
    }
  }
}

// Also lowers `expires` to the next moment at which a schedule's state changes by itself.
void AddSchedules(const records::Reader& reader, const PracticeFold& fold, const EpisodeRow& row,
                  const WaitingRows& waiting, v1::CaseloadEntry& entry, absl::Time& expires) {
  const absl::Time now = reader.call().time;
  absl::Time next_due = absl::InfiniteFuture();
  for (const ScheduleRow& schedule : waiting.schedules) {
    if (!reader.MaySee(fold.AccessOf(row, schedule))) {
      continue;
    }
    const v1::DueAssessment due = ComputeDue(fold.ScheduleOf(schedule), now);
    next_due = std::min(next_due, api::FromProto(due.due_time()));
    for (const auto& change : {due.open_time(), due.expire_time()}) {
      const absl::Time time = api::FromProto(change);
      expires = now < time ? std::min(expires, time) : expires;
    }
    if (due.state() == v1::DUE_STATE_OVERDUE) {
      entry.set_urgency(std::max(entry.urgency(), v1::URGENCY_OVERDUE));
      if (entry.overdue_schedules_size() < kMaxPerEntry) {
        entry.add_overdue_schedules(due.schedule().name());
      }
    }
  }
  if (next_due != absl::InfiniteFuture()) {
    *entry.mutable_next_due_time() = api::ToProto(next_due);
  }
}

v1::CaseloadEntry MakeEntry(const records::Reader& reader, const PracticeFold& fold,
                            const std::string& name, absl::Time& expires) {
  const EpisodeRow& row = *fold.Find(name);
  v1::CaseloadEntry entry;
  entry.set_episode(name);
  entry.set_urgency(v1::URGENCY_NONE);
  for (const StaffRef& staff : row.staff) {
    entry.add_staff(fold.StaffOf(staff));
  }
  AddSeries(reader, fold, row, entry);
  if (const WaitingRows* const waiting = fold.FindWaiting(row); waiting != nullptr) {
    AddAlerts(reader, fold, row, *waiting, entry);
    AddSchedules(reader, fold, row, *waiting, entry, expires);
  }
  return entry;
}

// A staff member's own caseload is walked, not the practice's.
std::vector<std::string> CandidateEpisodes(const records::Reader& reader, const std::string& staff,
                                           const PracticeFold& fold) {
  if (!staff.empty()) {
    const auto& theirs = fold.OpenEpisodesOf(staff);
    return {theirs.begin(), theirs.end()};
  }
  if (reader.view().practice_wide()) {
    return {fold.open_episodes().begin(), fold.open_episodes().end()};
  }
  std::vector<std::string> names;
  const auto& visible = reader.view().episodes();  // by id
  if (static_cast<size_t>(visible.size()) > fold.open_episodes().size()) {
    // Whoever has treated people for years sees many more episodes than are open.
    for (const std::string& name : fold.open_episodes()) {
      const absl::string_view id = absl::string_view(name).substr(name.rfind('/') + 1);
      const auto found = std::lower_bound(
          visible.begin(), visible.end(), id,
          [](const type::v1::EpisodeAccess& a, absl::string_view b) { return a.episode() < b; });
      if (found != visible.end() && found->episode() == id) {
        names.push_back(name);
      }
    }
    return names;
  }
  for (const type::v1::EpisodeAccess& access : visible) {
    std::string name =
        FormatName(episodes::kEpisodePattern, {reader.call().practice(), access.episode()});
    if (fold.open_episodes().count(name) > 0) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

absl::Time FillCaseload(const records::Reader& reader, const v1::GetCaseloadRequest& request,
                        const PracticeFold& fold, v1::GetCaseloadResponse& response) {
  absl::Time expires = ExpiryOf(reader.view());
  std::vector<v1::CaseloadEntry> entries;
  for (const std::string& name : CandidateEpisodes(reader, request.staff(), fold)) {
    if (reader.MaySee({LastId(name), {}})) {
      entries.push_back(MakeEntry(reader, fold, name, expires));
    }
  }
  std::sort(entries.begin(), entries.end(), PrecedesInCaseload);
  const size_t limit = static_cast<size_t>(request.limit() == 0 ? kDefaultLimit : request.limit());
  response.set_truncated(entries.size() > limit);
  entries.resize(std::min(entries.size(), limit));
  for (v1::CaseloadEntry& entry : entries) {
    *response.add_entries() = std::move(entry);
  }
  return expires;
}

// The query without what says what the caller knows already.
template <typename Request>
Request QueryOf(Request request) {
  request.clear_known_etag();
  return request;
}

// The scoring version that a summary is of: the one that is asked for, or the one that is shown.
absl::StatusOr<DefinitionPtr> FindSummarized(const Measures& measures,
                                             const records::Reader& reader,
                                             const v1::GetPracticeSummaryRequest& request) {
  const bool newest = request.instrument_version() == 0;
  SB_ASSIGN_OR_RETURN(
      DefinitionPtr definition,
      newest ? measures.FindShown(reader, request.instrument())
             : measures.Find(reader, request.instrument(), request.instrument_version()));
  if (definition == nullptr) {
    return InvalidFields(
        {newest ? FieldViolation{"instrument", "is not in the catalogue; see ListInstruments"}
                : FieldViolation{"instrument_version",
                                 "is no version of the instrument; see ListInstrumentVersions"}});
  }
  return definition;
}

// The rows that `all` and the asked-for dimension make; `smallest_group` 0: nothing is left out.
std::vector<v1::SummaryRow> SummaryRows(const PracticeFold& fold,
                                        const v1::GetPracticeSummaryRequest& request,
                                        const v1::InstrumentDefinition& definition,
                                        int smallest_group) {
  static const auto* const kNothing = new SummaryGroup();  // not copied: it holds persons
  const std::string instrument = LastId(request.instrument());
  const auto& all =
      fold.SummaryOf(instrument, definition.version(), v1::SUMMARY_DIMENSION_NONE, request.year());
  return Summarize(
      fold.SummaryOf(instrument, definition.version(), request.dimension(), request.year()),
      all.empty() ? *kNothing : all.begin()->second, HeadlineScale(definition).direction(),
      smallest_group);
}

}  // namespace

std::string OutcomeHandlers::ReleaseOf(const Catalogue& catalogue) {
  std::string all = absl::StrCat(kAnswerFormat);
  for (const v1::InstrumentDefinition* newest : catalogue.Newest()) {
    for (const v1::InstrumentDefinition* definition : catalogue.Versions(newest->id())) {
      all += api::Fingerprint(*definition);
    }
  }
  type::v1::ExternalIdentifier basis;
  basis.set_value(absl::BytesToHexString(all));
  return absl::BytesToHexString(api::Fingerprint(basis));
}

absl::StatusOr<v1::GetCaseloadResponse> OutcomeHandlers::GetCaseload(
    const api::Call& call, const v1::GetCaseloadRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_ASSIGN_OR_RETURN(const storage::Position position,
                      database_.store().GetPosition({call.deadline}, call.practice()));
  const v1::GetCaseloadRequest query = QueryOf(request);
  const Poll poll{release_, reader, query};
  v1::GetCaseloadResponse response;
  if (AnswersNotModified(poll, request.known_etag(), position, response)) {
    return response;
  }
  SB_RETURN_IF_ERROR(
      projections_.Read(call, [&](const PracticeFold& fold, const storage::Position& at) {
        const absl::Time expires = FillCaseload(reader, request, fold, response);
        response.set_etag(MakeEtag(poll, at, FormatExpiry(expires)));
        if (expires != absl::InfiniteFuture()) {
          *response.mutable_expire_time() = api::ToProto(expires);
        }
      }));
  return response;
}

absl::StatusOr<v1::GetPracticeSummaryResponse> OutcomeHandlers::GetPracticeSummary(
    const api::Call& call, const v1::GetPracticeSummaryRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  const bool sees_all = reader.view().practice_wide();
  if (!sees_all && request.year() != 0) {
    return MakeError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed,
                     "only callers who see the whole practice choose a year: two cuts of different "
                     "years could single out a person; leave it 0");
  }
  SB_ASSIGN_OR_RETURN(const storage::Position position,
                      database_.store().GetPosition({call.deadline}, call.practice()));
  const v1::GetPracticeSummaryRequest query = QueryOf(request);
  const Poll poll{release_, reader, query};
  v1::GetPracticeSummaryResponse response;
  if (AnswersNotModified(poll, request.known_etag(), position, response)) {
    return response;
  }
  SB_ASSIGN_OR_RETURN(const DefinitionPtr definition, FindSummarized(measures_, reader, request));
  response.set_scale(HeadlineScale(*definition).id());
  response.set_instrument_version(definition->version());
  std::vector<v1::SummaryRow> rows;
  SB_RETURN_IF_ERROR(
      projections_.Read(call, [&](const PracticeFold& fold, const storage::Position& at) {
        response.set_smallest_group(sees_all ? 0 : fold.smallest_group());
        rows = SummaryRows(fold, request, *definition, response.smallest_group());
        response.set_etag(MakeEtag(poll, at, FormatExpiry(ExpiryOf(reader.view()))));
      }));
  response.set_truncated(rows.size() > kMaxRows);
  rows.resize(std::min(rows.size(), size_t{kMaxRows}));
  for (v1::SummaryRow& row : rows) {
    *response.add_rows() = std::move(row);
  }
  return response;
}

absl::StatusOr<v1::GetConcordanceResponse> OutcomeHandlers::GetConcordance(
    const api::Call& call, const v1::GetConcordanceRequest& request) const {
  SB_ASSIGN_OR_RETURN(const records::Reader reader, database_.ReaderFor(call));
  SB_RETURN_IF_ERROR(reader.Get(episodes::EpisodeKind(), request.parent()).status());
  SB_ASSIGN_OR_RETURN(
      const std::vector<v1::Series> all,
      reader.GetAll(SeriesKind(), SeriesOfEpisode(request.parent()), kMaxSeriesOfEpisode));
  std::vector<v1::SeriesHeadline> headlines;
  for (const v1::Series& series : all) {
    if (series.subject() != request.subject() || series.assessment_count() == 0) {
      continue;
    }
    SB_ASSIGN_OR_RETURN(
        const Measure measure,
        measures_.Of(reader, series.instrument(), series.instrument_version(), call.time));
    headlines.push_back(MakeHeadline(measure, series));
  }
  v1::GetConcordanceResponse response;
  for (v1::ConcordanceColumn& column : MakeConcordance(headlines)) {
    *response.add_columns() = std::move(column);
  }
  return response;
}

absl::StatusOr<v1::ListJournalResponse> OutcomeHandlers::ListJournal(
    const api::Call& call, const v1::ListJournalRequest& request) const {
  return database_.ListJournal<v1::ListJournalResponse>(call, request);
}

}  // namespace securebase::outcomes
