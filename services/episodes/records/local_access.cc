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
#include "services/platform/base/status_macros.h"

namespace securebase::episodes {
namespace {

// Entries read to catch up; whoever is further behind forgets everything instead.
constexpr int kMaxCatchUp = storage::kMaxPageRows;

// The eyes that see everything: the rules decide afterwards.
records::Reader ReadEverything(storage::Store& store, const api::Call& call) {
  auto view = std::make_shared<type::v1::AccessView>();
  view->set_practice(call.practice());
  view->set_practice_wide(true);
  return records::Reader(store, call, std::move(view));
}

bool ChangesAccess(const std::string& practice, const storage::JournalEntry& stored) {
  type::v1::JournalEntry entry;
  return !entry.ParseFromString(stored.value) ||
         absl::StartsWith(entry.resource(), absl::StrCat("practices/", practice, "/episodes/"));
}

// Adds what `records` show the caller, and until when.
void AddEpisode(const EpisodeRecords& records, const api::Call& call, absl::Time& expires,
                type::v1::AccessView& view) {
  std::optional<type::v1::EpisodeAccess> access = Visible(records, ViewerOf(call), call.time);
  if (access.has_value()) {
    *view.add_episodes() = *std::move(access);
  }
  expires = std::min(expires, NextChange(records.consents, call.time));
}

void Finish(absl::Time expires, type::v1::AccessView& view) {
  std::sort(view.mutable_episodes()->begin(), view.mutable_episodes()->end(),
            [](const type::v1::EpisodeAccess& a, const type::v1::EpisodeAccess& b) {
              return a.episode() < b.episode();
            });
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
  {
    MutexLock lock(mutex_);
    const auto found = remembered_.find(key);
    if (found != remembered_.end() && found->second.position.epoch == followed.position.epoch &&
        found->second.position.sequence >= followed.last_change &&
        api::IsCurrent(*found->second.view, call.time)) {
      return found->second.view;
    }
  }
  SB_ASSIGN_OR_RETURN(type::v1::AccessView computed, Compute(call));
  auto view = std::make_shared<const type::v1::AccessView>(std::move(computed));
  MutexLock lock(mutex_);
  ++computed_;
  if (remembered_.size() >= kMaxRemembered) {
    remembered_.clear();
  }
  remembered_[key] = {view, followed.position};
  return std::shared_ptr<const type::v1::AccessView>(std::move(view));
}

absl::StatusOr<LocalAccess::Followed> LocalAccess::Follow(const api::Call& call) {
  const storage::Context context{call.deadline};
  SB_ASSIGN_OR_RETURN(const storage::Position now, store_.GetPosition(context, call.practice()));
  std::optional<Followed> known;
  {
    MutexLock lock(mutex_);
    const auto found = followed_.find(call.practice());
    if (found != followed_.end() && found->second.position.epoch == now.epoch) {
      known = found->second;
    }
  }
  if (known.has_value() && known->position.sequence >= now.sequence) {
    return *known;
  }
  // Whoever knows nothing, or is too far behind, takes it that everything has changed.
  Followed followed{now, now.sequence};
  if (known.has_value() && now.sequence - known->position.sequence <= kMaxCatchUp) {
    followed = {known->position, known->last_change};
    while (followed.position.sequence < now.sequence) {
      const auto page =
          store_.Journal(context, call.practice(), followed.position.sequence, kMaxCatchUp);
      if (!page.ok() && ReasonOf(page.status()) != Reason::kResyncRequired) {
        return page.status();
      }
      if (!page.ok() || page->position.epoch != now.epoch || page->entries.empty()) {
        followed = {now, now.sequence};
        break;
      }
      for (const storage::JournalEntry& entry : page->entries) {
        followed.position.sequence = entry.sequence;
        if (ChangesAccess(call.practice(), entry)) {
          followed.last_change = entry.sequence;
        }
      }
    }
  }
  MutexLock lock(mutex_);
  Followed& stored = followed_[call.practice()];
  if (stored.position.epoch != now.epoch) {
    stored = followed;
  } else if (stored.position.sequence <= followed.position.sequence) {
    // Another thread may have come as far meanwhile, and have taken more for changed.
    followed.last_change = std::max(followed.last_change, stored.last_change);
    stored = followed;
  }
  return followed;
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
