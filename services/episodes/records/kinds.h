#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "services/episodes/rules/consent.h"
#include "services/platform/api/call.h"
#include "services/platform/records/database.h"

// How episodes and what belongs to them are kept, and how they are found.
namespace securebase::episodes {

inline constexpr char kPracticePattern[] = "practices/{practice}";
inline constexpr char kEpisodePattern[] = "practices/{practice}/episodes/{episode}";
inline constexpr char kConsentPattern[] =
    "practices/{practice}/episodes/{episode}/consents/{consent}";
inline constexpr char kSafetyHoldPattern[] =
    "practices/{practice}/episodes/{episode}/safetyHolds/{safety_hold}";
inline constexpr char kSettingsPattern[] = "practices/{practice}/settings";

// An episode is about nobody in particular: who sees the episode sees it, and handlers show
// participants less of it (ForParticipant).
const records::Kind<v1::Episode>& EpisodeKind();
// Consents and holds likewise; what participants see of them is decided by handlers.
const records::Kind<v1::Consent>& ConsentKind();
const records::Kind<v1::SafetyHold>& SafetyHoldKind();
// Only what differs from the defaults is stored.
const records::Kind<v1::PracticeSettings>& SettingsKind();

// Where to look, newest episodes first. `staff` belongs to the care team at present; `patient` is a
// participant, present or not.
records::Query AllEpisodes();
records::Query EpisodesOfStaff(absl::string_view staff);
records::Query EpisodesOfPatient(absl::string_view patient);
records::Query EpisodesWithIdentifier(const type::v1::ExternalIdentifier& identifier);
// Oldest first. `episode` is its resource name.
records::Query ConsentsOf(absl::string_view episode);
records::Query SafetyHoldsOf(absl::string_view episode);

// The episode with its consents and holds, whether or not the reader's caller may see them.
absl::StatusOr<EpisodeRecords> LoadEpisodeRecords(const records::Reader& reader,
                                                  v1::Episode episode);

// The caller, as the rules know them.
Viewer ViewerOf(const api::Call& call);

}  // namespace securebase::episodes
