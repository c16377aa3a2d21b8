#include "clients/cpp/access_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cpp/neighbour.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "services/platform/auth/principal.h"
#include "services/platform/base/status_macros.h"

namespace securebase::client {
namespace {

constexpr char kMethod[] = "/securebase.episodes.v1.EpisodesService/GetAccessView";
constexpr absl::Duration kTimeout = absl::Seconds(5);

// A participant's view is of one call: their next call has another id.
std::string KeyOf(const api::Call& call) {
  const std::string who =
      absl::StrCat(call.practice(), "\x01", auth::PrincipalKindName(call.principal.kind), "\x01",
                   call.principal.subject);
  return call.principal.kind == auth::PrincipalKind::kParticipant
             ? absl::StrCat(who, "\x01", call.call_id)
             : who;
}

}  // namespace

bool AccessClient::IsUsable(const Kept& kept, absl::Time now) {
  // One from the future is of before the clock was set back, so that its age cannot be told.
  return kept.fetch_time <= now && now < kept.fetch_time + kMaxAge &&
         api::IsCurrent(*kept.view, now);
}

AccessClient::ViewPtr AccessClient::Find(const std::string& key) const {
  MutexLock lock(mutex_);
  const auto found = views_.find(key);
  return found != views_.end() && IsUsable(found->second, clock_.Now()) ? found->second.view
                                                                        : nullptr;
}

AccessClient::ViewPtr AccessClient::FindFresh(const std::string& key, const api::Call& call,
                                              double& refreshes) const {
  const absl::Time now = clock_.Now();
  MutexLock lock(mutex_);
  const auto found = views_.find(key);
  if (found == views_.end() || !IsUsable(found->second, now)) {
    return nullptr;
  }
  const Kept& kept = found->second;
  if (kept.fetch_time > call.time) {
    return kept.view;
  }
  const double regained = absl::ToDoubleSeconds(now - kept.fetch_time) * kRefreshesPerSecond;
  refreshes = std::min(kMaxRefreshes, kept.refreshes + regained) - 1;
  return refreshes < 0 ? kept.view : nullptr;
}

void AccessClient::Keep(const std::string& key, Kept kept) {
  MutexLock lock(mutex_);
  if (views_.size() >= kMaxViews) {
    const absl::Time now = clock_.Now();
    absl::erase_if(views_, [&](const auto& entry) { return !IsUsable(entry.second, now); });
    if (views_.size() >= kMaxViews) {
      views_.clear();
    }
  }
  views_[key] = std::move(kept);
}

absl::StatusOr<AccessClient::ViewPtr> AccessClient::ViewFor(const api::Call& call) {
  return Ask(call, false);
}

absl::StatusOr<AccessClient::ViewPtr> AccessClient::FreshViewFor(const api::Call& call) {
  return Ask(call, true);
}

absl::StatusOr<AccessClient::ViewPtr> AccessClient::Ask(const api::Call& call, bool fresh) {
  if (call.principal.kind == auth::PrincipalKind::kSystem ||
      call.principal.kind == auth::PrincipalKind::kService) {
    auto whole = std::make_shared<type::v1::AccessView>();
    whole->set_practice(call.practice());
    whole->set_practice_wide(true);
    return ViewPtr(std::move(whole));
  }
  const std::string key = KeyOf(call);
  double refreshes = kMaxRefreshes;
  if (ViewPtr kept = fresh ? FindFresh(key, call, refreshes) : Find(key)) {
    return kept;
  }
  episodes::v1::GetAccessViewRequest request;
  request.set_parent(absl::StrCat("practices/", call.practice()));
  // Its age counts from before the question: the answer may be as old as that.
  const absl::Time fetch_time = clock_.Now();
  auto view = episodes_.Call<type::v1::AccessView>(kMethod, OnBehalfOf(call, kTimeout), request);
  if (!view.ok()) {
    return NeighbourError(view.status(), "episodes");
  }
  auto fetched = std::make_shared<const type::v1::AccessView>(*std::move(view));
  Keep(key, {fetched, fetch_time, refreshes});
  return ViewPtr(std::move(fetched));
}

}  // namespace securebase::client
