#include "services/outcomes/records/projection.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "services/episodes/records/kinds.h"
#include "services/outcomes/records/kinds.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"

namespace securebase::outcomes {
namespace {

constexpr int kEverything = std::numeric_limits<int>::max();

// A dashboard filters by its caller's view; the fold holds all.
records::Reader ReadEverything(storage::Store& store, const api::Call& call) {
  auto view = std::make_shared<type::v1::AccessView>();
  view->set_practice(call.practice());
  view->set_practice_wide(true);
  return records::Reader(store, call, std::move(view));
}

template <typename Message>
absl::Status PutAll(const records::Reader& reader, const records::Kind<Message>& kind,
                    const records::Query& query, PracticeFold& fold) {
  SB_ASSIGN_OR_RETURN(const std::vector<Message> messages,
                      reader.FindAll(kind, query, kEverything));
  for (const Message& message : messages) {
    fold.Put(message);
  }
  return absl::OkStatus();
}

template <typename Message>
absl::Status PutOne(const records::Reader& reader, const records::Kind<Message>& kind,
                    const std::string& name, PracticeFold& fold) {
  SB_ASSIGN_OR_RETURN(const std::optional<Message> message, reader.Find(kind, name));
  if (message.has_value()) {
    fold.Put(*message);
  } else {
    fold.Remove(name);
  }
  return absl::OkStatus();
}

// Entries say that a record changed; its present state is what counts, however often it did.
absl::Status PutChanged(const records::Reader& reader, const std::string& name,
                        PracticeFold& fold) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  if (parts.size() != 4) {
    return absl::OkStatus();  // below an episode, or the practice's settings
  }
  if (parts[2] == "episodes") {
    return PutOne(reader, episodes::EpisodeKind(), name, fold);
  }
  if (parts[2] == "series") {
    return PutOne(reader, SeriesKind(), name, fold);
  }
  if (parts[2] == "alerts") {
    return PutOne(reader, AlertKind(), name, fold);
  }
  if (parts[2] == "schedules") {
    return PutOne(reader, ScheduleKind(), name, fold);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Projections::Read(
    const api::Call& call,
    const std::function<void(const PracticeFold&, const storage::Position&)>& use) {
  const std::shared_ptr<Practice> practice = FindPractice(call.practice());
  MutexLock lock(practice->mutex);
  absl::Status status = CatchUp(call, *practice);
  if (!status.ok()) {
    practice->fold.reset();  // it may have stopped half-way
    return status;
  }
  use(*practice->fold, practice->position);
  return absl::OkStatus();
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
    SB_RETURN_IF_ERROR(Load(call, practice));
  }
  const records::Reader reader = ReadEverything(store_, call);
  while (practice.position.sequence < now.sequence) {
    const auto page =
        store_.Journal(context, call.practice(), practice.position.sequence, storage::kMaxPageRows);
    if (ReasonOf(page.status()) == Reason::kResyncRequired) {
      SB_RETURN_IF_ERROR(Load(call, practice));
      continue;
    }
    SB_RETURN_IF_ERROR(page.status());
    if (page->position.epoch != practice.position.epoch || page->entries.empty()) {
      SB_RETURN_IF_ERROR(Load(call, practice));
      continue;
    }
    std::set<std::string> changed;
    for (const storage::JournalEntry& stored : page->entries) {
      type::v1::JournalEntry entry;
      if (!entry.ParseFromString(stored.value)) {
        return MakeError(absl::StatusCode::kDataLoss, Reason::kDataLoss,
                         "a journal entry cannot be read");
      }
      changed.insert(entry.resource());
    }
    for (const std::string& name : changed) {
      SB_RETURN_IF_ERROR(PutChanged(reader, name, *practice.fold));
    }
    practice.position.sequence = page->entries.back().sequence;
  }
  return absl::OkStatus();
}

absl::Status Projections::Load(const api::Call& call, Practice& practice) {
  // The position first: what changes while the records are read is read again from the journal.
  SB_ASSIGN_OR_RETURN(const storage::Position position,
                      store_.GetPosition({call.deadline}, call.practice()));
  const records::Reader reader = ReadEverything(store_, call);
  auto fold = std::make_unique<PracticeFold>(catalogue_);
  SB_RETURN_IF_ERROR(PutAll(reader, episodes::EpisodeKind(), episodes::AllEpisodes(), *fold));
  SB_RETURN_IF_ERROR(PutAll(reader, SeriesKind(), AllSeries(), *fold));
  SB_RETURN_IF_ERROR(PutAll(reader, AlertKind(), UnresolvedAlerts(), *fold));
  SB_RETURN_IF_ERROR(PutAll(reader, ScheduleKind(), ActiveSchedules(), *fold));
  practice.fold = std::move(fold);
  practice.position = position;
  MutexLock lock(mutex_);
  ++loads_;
  return absl::OkStatus();
}

}  // namespace securebase::outcomes
