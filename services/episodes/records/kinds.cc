#include "services/episodes/records/kinds.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "services/episodes/rules/members.h"
#include "services/platform/api/actor.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::episodes {
namespace {

// Names of indexes, which are stored: never to be changed.
constexpr char kAllEpisodes[] = "episodes-by-time";
constexpr char kEpisodesOfStaff[] = "episodes-by-staff";
constexpr char kEpisodesOfPatient[] = "episodes-by-patient";
constexpr char kEpisodesWithIdentifier[] = "episodes-by-identifier";
constexpr char kConsentsOfEpisode[] = "consents-by-episode";
constexpr char kSafetyHoldsOfEpisode[] = "safety-holds-by-episode";

// EHRs choose these freely, so their bytes must not reach into another part of a sort key.
std::string PatientKey(absl::string_view patient) { return absl::WebSafeBase64Escape(patient); }

std::string IdentifierKey(const type::v1::ExternalIdentifier& identifier) {
  return absl::BytesToHexString(api::Fingerprint(identifier));
}

std::string EpisodeIdOf(absl::string_view name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  return parts.size() < 4 ? "" : parts[3];
}

std::vector<storage::IndexEntry> EpisodeIndex(const v1::Episode& episode) {
  const std::string time = records::SortableTime(api::FromProto(episode.create_time()));
  std::vector<storage::IndexEntry> entries{{kAllEpisodes, time}};
  std::set<std::string> staff;
  for (const v1::CareTeamMember& member : episode.care_team()) {
    if (IsPresent(member)) {
      staff.insert(member.staff());
    }
  }
  for (const v1::Cover& cover : episode.covers()) {
    staff.insert(cover.staff());
  }
  for (const std::string& member : staff) {
    entries.push_back({kEpisodesOfStaff, records::SortKey({member, time})});
  }
  for (const v1::Participant& participant : episode.participants()) {
    if (!participant.patient().empty()) {
      entries.push_back(
          {kEpisodesOfPatient, records::SortKey({PatientKey(participant.patient()), time})});
    }
  }
  for (const type::v1::ExternalIdentifier& identifier : episode.external_identifiers()) {
    entries.push_back(
        {kEpisodesWithIdentifier, records::SortKey({IdentifierKey(identifier), time})});
  }
  return entries;
}

// Consents and holds: below their episode, in the order in which they were recorded.
template <typename Message>
records::Kind<Message> EpisodeChild(const char* name, const char* index) {
  return {name,
          [](const Message& message) {
            return records::Access{EpisodeIdOf(message.name()), {}};
          },
          [index](const Message& message) {
            return std::vector<storage::IndexEntry>{
                {index,
                 records::SortKey({EpisodeIdOf(message.name()),
                                   records::SortableTime(api::FromProto(message.create_time()))})}};
          }};
}

records::Query Below(const char* index, std::string key, bool reverse) {
  return {.index = index, .prefix = records::SortKey({std::move(key), ""}), .reverse = reverse};
}

}  // namespace

const records::Kind<v1::Episode>& EpisodeKind() {
  static const auto* const kKind =
      new records::Kind<v1::Episode>{"episode",
                                     [](const v1::Episode& episode) {
                                       return records::Access{EpisodeIdOf(episode.name()), {}};
                                     },
                                     EpisodeIndex};
  return *kKind;
}

const records::Kind<v1::Consent>& ConsentKind() {
  static const auto* const kKind =
      new records::Kind<v1::Consent>(EpisodeChild<v1::Consent>("consent", kConsentsOfEpisode));
  return *kKind;
}

const records::Kind<v1::SafetyHold>& SafetyHoldKind() {
  static const auto* const kKind = new records::Kind<v1::SafetyHold>(
      EpisodeChild<v1::SafetyHold>("safety-hold", kSafetyHoldsOfEpisode));
  return *kKind;
}

const records::Kind<v1::PracticeSettings>& SettingsKind() {
  static const auto* const kKind = new records::Kind<v1::PracticeSettings>{
      "practice-settings", [](const v1::PracticeSettings&) { return records::Access{}; },
      [](const v1::PracticeSettings&) { return std::vector<storage::IndexEntry>{}; }};
  return *kKind;
}

records::Query AllEpisodes() { return {.index = kAllEpisodes, .reverse = true}; }

records::Query EpisodesOfStaff(absl::string_view staff) {
  return Below(kEpisodesOfStaff, std::string(staff), /*reverse=*/true);
}

records::Query EpisodesOfPatient(absl::string_view patient) {
  return Below(kEpisodesOfPatient, PatientKey(patient), /*reverse=*/true);
}

records::Query EpisodesWithIdentifier(const type::v1::ExternalIdentifier& identifier) {
  return Below(kEpisodesWithIdentifier, IdentifierKey(identifier), /*reverse=*/true);
}

records::Query ConsentsOf(absl::string_view episode) {
  return Below(kConsentsOfEpisode, LastId(episode), /*reverse=*/false);
}

records::Query SafetyHoldsOf(absl::string_view episode) {
  return Below(kSafetyHoldsOfEpisode, LastId(episode), /*reverse=*/false);
}

absl::StatusOr<EpisodeRecords> LoadEpisodeRecords(const records::Reader& reader,
                                                  v1::Episode episode) {
  EpisodeRecords records;
  // Rivals may each add one beyond the limit, so what is read is well above it.
  SB_ASSIGN_OR_RETURN(records.consents,
                      reader.FindAll(ConsentKind(), ConsentsOf(episode.name()), 2 * kMaxConsents));
  SB_ASSIGN_OR_RETURN(records.holds, reader.FindAll(SafetyHoldKind(), SafetyHoldsOf(episode.name()),
                                                    2 * kMaxSafetyHolds));
  records.episode = std::move(episode);
  return records;
}

Viewer ViewerOf(const api::Call& call) {
  return {api::ActorOf(call).kind(), call.principal.subject, call.principal.patient};
}

}  // namespace securebase::episodes
