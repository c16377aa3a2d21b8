#include "services/outcomes/handlers/checks.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/episodes/records/kinds.h"
#include "services/outcomes/records/kinds.h"
#include "services/outcomes/rules/language.h"
#include "services/outcomes/rules/own_instrument.h"
#include "services/platform/api/participants.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/resource_name.h"

namespace securebase::outcomes {

std::vector<FieldViolation> Join(std::vector<std::vector<FieldViolation>> checks) {
  std::vector<FieldViolation> all;
  for (std::vector<FieldViolation>& check : checks) {
    std::move(check.begin(), check.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<FieldViolation> Below(absl::string_view field, std::vector<FieldViolation> violations) {
  for (FieldViolation& violation : violations) {
    violation.field = absl::StrCat(field, ".", violation.field);
  }
  return violations;
}

absl::StatusOr<episodes::v1::Episode> ReadOpenEpisode(const records::Reader& reader,
                                                      const std::string& episode_name,
                                                      absl::string_view field) {
  SB_ASSIGN_OR_RETURN(episodes::v1::Episode episode,
                      reader.Get(episodes::EpisodeKind(), episode_name));
  if (episode.status() != episodes::v1::EPISODE_STATUS_ACTIVE &&
      episode.status() != episodes::v1::EPISODE_STATUS_ON_HOLD) {
    return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                     absl::StrCat(field, " must be ACTIVE or ON_HOLD; change its status first"),
                     {{"resource", episode_name}});
  }
  return episode;
}

absl::StatusOr<episodes::v1::Episode> ReadEpisodeAnsweredIn(const records::Reader& reader,
                                                            const std::string& episode_name,
                                                            absl::Time answered,
                                                            absl::string_view field) {
  SB_ASSIGN_OR_RETURN(episodes::v1::Episode episode,
                      reader.Get(episodes::EpisodeKind(), episode_name));
  if (episode.status() == episodes::v1::EPISODE_STATUS_FINISHED &&
      answered <= api::FromProto(episode.end_time())) {
    return episode;
  }
  return ReadOpenEpisode(reader, episode_name, field);
}

void ClearServerFields(v1::Schedule& schedule) {
  for (auto clear :
       {&v1::Schedule::clear_etag, &v1::Schedule::clear_uid, &v1::Schedule::clear_create_time,
        &v1::Schedule::clear_update_time, &v1::Schedule::clear_status,
        &v1::Schedule::clear_end_time, &v1::Schedule::clear_end_reason,
        &v1::Schedule::clear_answers, &v1::Schedule::clear_answered_through,
        &v1::Schedule::clear_missed_through, &v1::Schedule::clear_next_check_time}) {
    (schedule.*clear)();
  }
}

void ClearServerFields(v1::Assessment& assessment) {
  for (auto clear : {&v1::Assessment::clear_etag, &v1::Assessment::clear_uid,
                     &v1::Assessment::clear_create_time, &v1::Assessment::clear_update_time,
                     &v1::Assessment::clear_status, &v1::Assessment::clear_status_reason,
                     &v1::Assessment::clear_status_time, &v1::Assessment::clear_result,
                     &v1::Assessment::clear_series, &v1::Assessment::clear_recorded_by,
                     &v1::Assessment::clear_revision_time, &v1::Assessment::clear_revisions}) {
    (assessment.*clear)();
  }
}

std::vector<FieldViolation> TakeLanguage(absl::string_view field, std::string& language) {
  if (language.empty()) {
    return {};
  }
  if (!IsLanguageTag(language)) {
    return {{std::string(field), "must be a BCP 47 tag: \"de\", \"pt-BR\""}};
  }
  language = CanonicalLanguage(language);
  return {};
}

std::vector<FieldViolation> CheckAnsweredTime(const google::protobuf::Timestamp& answered,
                                              absl::string_view field) {
  static const absl::Time kEarliest =
      absl::FromCivil(absl::CivilSecond(1900, 1, 1), absl::UTCTimeZone());
  if (api::FromProto(answered) < kEarliest) {
    return {{std::string(field), "must not be before 1900"}};
  }
  return {};
}

std::optional<VersionName> ParseVersionName(absl::string_view name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  VersionName parsed;
  if (parts.size() < 6 || !absl::SimpleAtoi(parts[5], &parsed.number) || parsed.number < 1 ||
      absl::StrCat(parsed.number) != parts[5]) {
    return std::nullopt;
  }
  parsed.instrument = FormatName(kInstrumentPattern, {parts[1], parts[3]});
  return parsed;
}

absl::StatusOr<v1::InstrumentVersion> ReadVersion(const records::Reader& reader,
                                                  const Catalogue& built_in,
                                                  const std::string& instrument, int number) {
  const std::string name = absl::StrCat(instrument, "/versions/", number);
  const std::string id = LastId(instrument);
  if (!IsOwnInstrument(id)) {
    const v1::InstrumentDefinition* definition = built_in.Find(id, number);
    if (definition == nullptr) {
      return NotFound(name);
    }
    v1::InstrumentVersion version;
    version.set_name(name);
    *version.mutable_definition() = *definition;
    version.set_built_in(true);
    version.set_status(built_in.Find(id) == definition ? v1::PUBLICATION_STATUS_ACTIVE
                                                       : v1::PUBLICATION_STATUS_RETIRED);
    return version;
  }
  SB_ASSIGN_OR_RETURN(auto found, reader.Find(InstrumentVersionKind(), name));
  if (!found.has_value() ||
      (api::IsParticipant(reader.call()) && found->status() == v1::PUBLICATION_STATUS_DRAFT)) {
    return NotFound(name);
  }
  return *std::move(found);
}

absl::Status CheckSize(absl::string_view field, size_t bytes, size_t limit) {
  return bytes <= limit ? absl::OkStatus()
                        : MakeError(absl::StatusCode::kInvalidArgument, Reason::kLimitExceeded,
                                    absl::StrCat(field, " is larger than ", limit >> 10, " KiB"),
                                    {{"limit", absl::StrCat(limit)}});
}

}  // namespace securebase::outcomes
