#include "services/outcomes/records/projection.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "services/episodes/records/kinds.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/records/practice_rules.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

// Entries of the journal that are followed however few rows there are.
constexpr int64_t kMaxCatchUp = storage::kMaxPageRows;

// A dashboard filters by its caller's view; the fold holds all.
records::Reader ReadEverything(storage::Store& store, const api::Call& call) {
  auto view = std::make_shared<type::v1::AccessView>();
  view->set_practice(call.practice());
  view->set_practice_wide(true);
  return records::Reader(store, call, std::move(view));
}

api::Call WithTimeToLoad(api::Call call) {
  call.deadline = absl::Now() + Projections::kLoadTime;
  return call;
}

// The reader's practice's.
absl::Status PutSettings(const records::Reader& reader, PracticeFold& fold) {
  SB_ASSIGN_OR_RETURN(const PracticeRules rules, ReadPracticeRules(reader));
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::LoadTimeZone(rules.time_zone, &zone);
  fold.SetRules(zone, rules.smallest_group);
  return absl::OkStatus();
}

// Puts the present state of one record, or that it is gone.
template <typename Message, typename Put>
absl::Status PutOne(const records::Reader& reader, const records::Kind<Message>& kind,
                    const type::v1::JournalEntry& entry, PracticeFold& fold, const Put& put) {
  SB_ASSIGN_OR_RETURN(const std::optional<Message> message, reader.Find(kind, entry.resource()));
  if (message.has_value()) {
    return put(*message);
  }
  fold.Remove(entry.resource(), entry.episode());
  return absl::OkStatus();
}

// An episode, and once it is open again what waits in it.
absl::Status PutEpisode(const records::Reader& reader, const episodes::v1::Episode& episode,
                        std::unique_ptr<PracticeFold>& fold) {
  if (!fold->Put(episode)) {
    return absl::OkStatus();
  }
  const auto put = [&](const auto& message) {
    fold->Put(message);
    return absl::OkStatus();
  };
  absl::Status status = reader.FindEach(AlertKind(), AlertsOfEpisode(episode.name()), put);
  if (status.ok()) {
    status = reader.FindEach(ScheduleKind(), SchedulesOfEpisode(episode.name()), put);
  }
  if (!status.ok()) {
    fold.reset();  // who puts the episode again would not be told again that it was closed
  }
  return status;
}

// Entries say that a record changed; its present state is what counts, however often it did. So
// what was put and then broke off is simply put again; where it cannot be, the fold is gone.
absl::Status PutChanged(const records::Reader& reader, const type::v1::JournalEntry& entry,
                        std::unique_ptr<PracticeFold>& held) {
  PracticeFold& fold = *held;
  const auto put = [&](const auto& message) {
    fold.Put(message);
    return absl::OkStatus();
  };
  const std::vector<std::string> parts = absl::StrSplit(entry.resource(), '/');
  if (parts.size() == 3 && parts[2] == "settings") {
    return PutSettings(reader, fold);
  }
  if (parts.size() == 6 && parts[4] == "versions") {
    return PutOne(reader, InstrumentVersionKind(), entry, fold, put);
  }
  if (parts.size() != 4) {
    return absl::OkStatus();  // below an episode, or a wording
  }
  if (parts[2] == "norms") {
    return PutOne(reader, NormKind(), entry, fold, put);
  }
  if (parts[2] == "episodes") {
    return PutOne(
        reader, episodes::EpisodeKind(), entry, fold,
        [&](const episodes::v1::Episode& episode) { return PutEpisode(reader, episode, held); });
  }
  if (parts[2] == "series") {
    return PutOne(reader, SeriesKind(), entry, fold,
                  [&](const v1::Series& series) { return fold.Put(series); });
  }
  if (parts[2] == "alerts") {
    return PutOne(reader, AlertKind(), entry, fold, put);
  }
  if (parts[2] == "schedules") {
    return PutOne(reader, ScheduleKind(), entry, fold, put);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Projections::Read(
    const api::Call& call,
    const std::function<void(const PracticeFold&, const storage::Position&)>& use) {
  const std::shared_ptr<Practice> practice = FindPractice(call.practice());
  if (!practice->mutex.LockUntil(call.deadline)) {
    return MakeError(absl::StatusCode::kDeadlineExceeded, Reason::kDeadlineExceeded,
                     "the deadline passed while the practice's records were being read; try again");
  }
  absl::Status status = CatchUp(call, *practice);
  if (status.ok()) {
    use(*practice->fold, practice->position);
  }
  practice->mutex.Unlock();
  return status;
}

int64_t Projections::loads() const {
  MutexLock lock(mutex_);
  return loads_;
}

std::shared_ptr<Projections::Practice> Projections::FindPractice(const std::string& practice) {
  MutexLock lock(mutex_);
  std::shared_ptr<Practice>& found = practices_[practice];
  if (found == nullptr) {
    found = std::make_shared<Practice>();
  }
  found->last_read = ++reads_;
  std::shared_ptr<Practice> result = found;
  if (practices_.size() > kMaxPractices) {
    practices_.erase(std::min_element(
        practices_.begin(), practices_.end(),
        [](const auto& a, const auto& b) { return a.second->last_read < b.second->last_read; }));
  }
  return result;
}

absl::Status Projections::CatchUp(const api::Call& call, Practice& practice) {
  const storage::Context context{call.deadline};
  SB_ASSIGN_OR_RETURN(const storage::Position now, store_.GetPosition(context, call.practice()));
  if (practice.fold == nullptr || practice.position.epoch != now.epoch ||
      practice.position.sequence > now.sequence) {
    return Load(call, practice);
  }
  // Each entry costs about as much as a row does when everything is loaded.
  if (now.sequence - practice.position.sequence >
      kMaxCatchUp + static_cast<int64_t>(practice.fold->row_count())) {
    return Load(call, practice);
  }
  while (practice.position.sequence < now.sequence) {
    const auto page =
        store_.Journal(context, call.practice(), practice.position.sequence, storage::kMaxPageRows);
    // Another history, or not all of this one. `now` may be of the other: what is loaded is newer.
    if (ReasonOf(page.status()) == Reason::kResyncRequired ||
        (page.ok() && (page->position.epoch != practice.position.epoch || page->entries.empty()))) {
      return Load(call, practice);
    }
    SB_RETURN_IF_ERROR(page.status());
    SB_RETURN_IF_ERROR(Follow(call, *page, practice));
  }
  return absl::OkStatus();
}

absl::Status Projections::Follow(const api::Call& call, const storage::JournalPage& page,
                                 Practice& practice) {
  // By resource: so versions of instruments come before series, as the fold needs them.
  std::map<std::string, type::v1::JournalEntry> changed;
  for (const storage::JournalEntry& stored : page.entries) {
    type::v1::JournalEntry entry;
    if (!entry.ParseFromString(stored.value)) {
      return Load(call, practice);  // what it was about is in the records
    }
    changed[entry.resource()] = std::move(entry);
  }
  const api::Call patient = WithTimeToLoad(call);
  const records::Reader reader = ReadEverything(store_, patient);
  for (const auto& [name, entry] : changed) {
    SB_RETURN_IF_ERROR(PutChanged(reader, entry, practice.fold));
  }
  practice.position.sequence = page.entries.back().sequence;
  return absl::OkStatus();
}

absl::Status Projections::Load(const api::Call& hurried, Practice& practice) {
  const api::Call call = WithTimeToLoad(hurried);
  // The position first: what changes while the records are read is read again from the journal.
  SB_ASSIGN_OR_RETURN(const storage::Position position,
                      store_.GetPosition({call.deadline}, call.practice()));
  const records::Reader reader = ReadEverything(store_, call);
  auto fold = std::make_unique<PracticeFold>(call.practice(), catalogue_);
  const auto put = [&](const auto& message) {
    fold->Put(message);
    return absl::OkStatus();
  };
  // Row by row: the records as they are stored take twenty times as much memory as their rows.
  SB_RETURN_IF_ERROR(PutSettings(reader, *fold));
  SB_RETURN_IF_ERROR(reader.FindEach(InstrumentVersionKind(), AllVersions(), put));
  SB_RETURN_IF_ERROR(reader.FindEach(NormKind(), AllNorms(), put));
  SB_RETURN_IF_ERROR(reader.FindEach(episodes::EpisodeKind(), episodes::AllEpisodes(), put));
  SB_RETURN_IF_ERROR(reader.FindEach(SeriesKind(), AllSeriesByEpisode(),
                                     [&](const v1::Series& series) { return fold->Put(series); }));
  SB_RETURN_IF_ERROR(reader.FindEach(AlertKind(), UnresolvedAlerts(), put));
  SB_RETURN_IF_ERROR(reader.FindEach(ScheduleKind(), ActiveSchedules(), put));
  practice.fold = std::move(fold);
  practice.position = position;
  MutexLock lock(mutex_);
  ++loads_;
  return absl::OkStatus();
}

}  // namespace securebase::outcomes
