#include "services/episodes/records/local_access.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "services/episodes/records/kinds.h"
#include "services/platform/api/access.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::episodes {
namespace {

// The eyes that see everything: the rules decide afterwards.
records::Reader ReadEverything(storage::Store& store, const api::Call& call) {
  auto view = std::make_shared<type::v1::AccessView>();
  view->set_practice(call.practice());
  view->set_practice_wide(true);
  return records::Reader(store, call, std::move(view));
}

// The name of the episode whose access an entry may change; empty: none. nullopt: it cannot be
// read, so it may be any.
std::optional<std::string> ChangedEpisode(const std::string& practice,
                                          const storage::JournalEntry& stored) {
  type::v1::JournalEntry entry;
  if (!entry.ParseFromString(stored.value)) {
    return std::nullopt;
  }
  const std::string episodes = absl::StrCat("practices/", practice, "/episodes/");
  if (!absl::StartsWith(entry.resource(), episodes)) {
    return std::string();
  }
  return entry.resource().substr(0, entry.resource().find('/', episodes.size()));
}

// Adds what `records` show the caller, and until when.
void AddEpisode(const EpisodeRecords& records, const api::Call& call, absl::Time& expires,
                type::v1::AccessView& view) {
  std::optional<type::v1::EpisodeAccess> access = Visible(records, ViewerOf(call), call.time);
  if (access.has_value()) {
    *view.add_episodes() = *std::move(access);
  }
  expires = std::min(expires, NextChange(records, ViewerOf(call), call.time));
}

void Finish(absl::Time expires, type::v1::AccessView& view) {
  const auto by_id = [](const type::v1::EpisodeAccess& a, const type::v1::EpisodeAccess& b) {
    return a.episode() < b.episode();
  };
  if (!std::is_sorted(view.episodes().begin(), view.episodes().end(), by_id)) {
    std::sort(view.mutable_episodes()->begin(), view.mutable_episodes()->end(), by_id);
  }
  view.set_version(absl::WebSafeBase64Escape(api::Fingerprint(view)));
  if (expires != absl::InfiniteFuture()) {
    *view.mutable_expire_time() = api::ToProto(expires);
  }
}

std::string PrincipalKey(const api::Call& call) {
  return records::SortKey({call.practice(), absl::StrCat(api::ActorOf(call).kind()),
                           call.principal.subject, call.principal.patient});
}

}  // namespace

absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> LocalAccess::ViewFor(
    const api::Call& call) {
  SB_ASSIGN_OR_RETURN(const Followed followed, Follow(call));
  const std::string key = PrincipalKey(call);
  std::shared_ptr<const type::v1::AccessView> known;  // but for what changed
  std::optional<std::set<std::string>> changed;
  {
    MutexLock lock(mutex_);
    const auto found = remembered_.find(key);
    if (found != remembered_.end() && found->second.position.epoch == followed.position.epoch &&
        api::IsCurrent(*found->second.view, call.time)) {
      if (found->second.position.sequence >= followed.last_change) {
        return found->second.view;
      }
      // Who sees a participant's data depends on consents, which end; few have many episodes.
      if (call.principal.kind == auth::PrincipalKind::kStaff) {
        known = found->second.view;
        changed = ChangedSince(call.practice(), found->second.position.sequence);
      }
    }
  }
  SB_ASSIGN_OR_RETURN(type::v1::AccessView computed,
                      changed.has_value() ? Refresh(call, *known, *changed) : Compute(call));
  auto view = std::make_shared<const type::v1::AccessView>(std::move(computed));
  MutexLock lock(mutex_);
  ++computed_;
  if (remembered_.size() >= kMaxRemembered) {
    remembered_.clear();
  }
  remembered_[key] = {view, followed.position};
  return std::shared_ptr<const type::v1::AccessView>(std::move(view));
}

std::optional<std::set<std::string>> LocalAccess::ChangedSince(const std::string& practice,
                                                               int64_t sequence) const {
  const auto found = followed_.find(practice);
  if (found == followed_.end() || sequence < found->second.complete_after) {
    return std::nullopt;
  }
  std::set<std::string> changed;
  const std::deque<Change>& changes = found->second.changes;
  for (auto change = changes.rbegin(); change != changes.rend() && change->sequence > sequence;
       ++change) {
    changed.insert(change->episode);
  }
  return changed;
}

absl::StatusOr<LocalAccess::Followed> LocalAccess::Follow(const api::Call& call) {
  const storage::Context context{call.deadline};
  SB_ASSIGN_OR_RETURN(const storage::Position now, store_.GetPosition(context, call.practice()));
  std::optional<Followed> known;
  {
    MutexLock lock(mutex_);
    const auto found = followed_.find(call.practice());
    if (found != followed_.end() && found->second.followed.position.epoch == now.epoch) {
      known = found->second.followed;
    }
  }
  if (known.has_value() && known->position.sequence >= now.sequence) {
    return *known;
  }
  // Whoever knows nothing, or is too far behind, takes it that everything has changed.
  PracticeChanges everything;
  everything.followed = {now, now.sequence};
  everything.complete_after = now.sequence;
  PracticeChanges read = everything;
  if (known.has_value() && now.sequence - known->position.sequence <= kMaxCatchUp) {
    read.followed = *known;
    read.complete_after = known->position.sequence;
    while (read.followed.position.sequence < now.sequence) {
      const auto page = store_.Journal(context, call.practice(), read.followed.position.sequence,
                                       storage::kMaxPageRows);
      if (!page.ok() && ReasonOf(page.status()) != Reason::kResyncRequired) {
        return page.status();
      }
      if (!page.ok() || page->position.epoch != now.epoch || page->entries.empty()) {
        read = everything;
        break;
      }
      for (const storage::JournalEntry& entry : page->entries) {
        read.followed.position.sequence = entry.sequence;
        const std::optional<std::string> episode = ChangedEpisode(call.practice(), entry);
        if (!episode.has_value()) {
          read.changes.clear();
          read.complete_after = entry.sequence;
        } else if (!episode->empty()) {
          read.changes.push_back({entry.sequence, *episode});
        }
        if (!episode.has_value() || !episode->empty()) {
          read.followed.last_change = entry.sequence;
        }
      }
    }
  }
  const Followed followed = read.followed;
  MutexLock lock(mutex_);
  PracticeChanges& stored = followed_[call.practice()];
  if (stored.followed.position.epoch != now.epoch) {
    stored = std::move(read);
  } else if (stored.followed.position.sequence <= followed.position.sequence) {
    // Another thread may have come part of the way meanwhile.
    const int64_t reached = stored.followed.position.sequence;
    if (read.complete_after > reached) {
      stored.changes.clear();
      stored.complete_after = read.complete_after;
    }
    for (Change& change : read.changes) {
      if (change.sequence > reached) {
        stored.changes.push_back(std::move(change));
      }
    }
    stored.followed.position = followed.position;
    stored.followed.last_change = std::max(followed.last_change, stored.followed.last_change);
    while (stored.changes.size() > kMaxChanges) {
      stored.complete_after = stored.changes.front().sequence;
      stored.changes.pop_front();
    }
  }
  return followed;
}

absl::StatusOr<type::v1::AccessView> LocalAccess::Refresh(
    const api::Call& call, const type::v1::AccessView& view,
    const std::set<std::string>& changed) const {
  if (view.episodes_size() + static_cast<int>(changed.size()) > kMaxCaseload) {
    return Compute(call);  // which of them are the newest is known to the index alone
  }
  const records::Reader reader = ReadEverything(store_, call);
  std::map<std::string, std::optional<type::v1::EpisodeAccess>> fresh;  // by id
  for (const std::string& name : changed) {
    SB_ASSIGN_OR_RETURN(std::optional<v1::Episode> episode, reader.Find(EpisodeKind(), name));
    std::optional<type::v1::EpisodeAccess>& access = fresh[LastId(name)];
    if (episode.has_value()) {
      EpisodeRecords records;
      records.episode = *std::move(episode);
      access = Visible(records, ViewerOf(call), call.time);
    }
  }
  type::v1::AccessView result;
  result.set_practice(call.practice());
  result.set_practice_records(view.practice_records());
  const auto add_before = [&](absl::string_view id) {
    while (!fresh.empty() && (id.empty() || fresh.begin()->first <= id)) {
      if (fresh.begin()->second.has_value()) {
        *result.add_episodes() = *std::move(fresh.begin()->second);
      }
      fresh.erase(fresh.begin());
    }
  };
  for (const type::v1::EpisodeAccess& access : view.episodes()) {
    const bool again = fresh.count(access.episode()) > 0;
    add_before(access.episode());
    if (!again) {
      *result.add_episodes() = access;
    }
  }
  add_before("");
  Finish(absl::InfiniteFuture(), result);
  return result;
}

absl::StatusOr<type::v1::AccessView> LocalAccess::Compute(const api::Call& call) const {
  const records::Reader reader = ReadEverything(store_, call);
  type::v1::AccessView view;
  view.set_practice(call.practice());
  absl::Time expires = absl::InfiniteFuture();
  if (call.principal.kind == auth::PrincipalKind::kStaff) {
    SB_ASSIGN_OR_RETURN(
        std::vector<v1::Episode> episodes,
        reader.FindAll(EpisodeKind(), EpisodesOfStaff(call.principal.subject), kMaxCaseload));
    for (v1::Episode& episode : episodes) {
      // Consents do not matter to the care team, so they are not read.
      EpisodeRecords records;
      records.episode = std::move(episode);
      AddEpisode(records, call, expires, view);
    }
    view.set_practice_records(true);
  } else if (call.principal.kind == auth::PrincipalKind::kParticipant &&
             !call.principal.patient.empty()) {
    SB_ASSIGN_OR_RETURN(
        std::vector<v1::Episode> episodes,
        reader.FindAll(EpisodeKind(), EpisodesOfPatient(call.principal.patient), kMaxCaseload));
    for (v1::Episode& episode : episodes) {
      SB_ASSIGN_OR_RETURN(const EpisodeRecords records,
                          LoadEpisodeRecords(reader, std::move(episode)));
      AddEpisode(records, call, expires, view);
    }
  }
  Finish(expires, view);
  return view;
}

absl::StatusOr<type::v1::AccessView> LocalAccess::ViewOfEpisode(const api::Call& call,
                                                                absl::string_view episode) const {
  const records::Reader reader = ReadEverything(store_, call);
  type::v1::AccessView view;
  view.set_practice(call.practice());
  absl::Time expires = absl::InfiniteFuture();
  SB_ASSIGN_OR_RETURN(const auto found, reader.Find(EpisodeKind(), episode));
  if (found.has_value()) {
    SB_ASSIGN_OR_RETURN(const EpisodeRecords records, LoadEpisodeRecords(reader, *found));
    AddEpisode(records, call, expires, view);
  }
  Finish(expires, view);
  return view;
}

int64_t LocalAccess::computed() const {
  MutexLock lock(mutex_);
  return computed_;
}

}  // namespace securebase::episodes
