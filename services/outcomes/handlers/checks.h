#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/episodes/v1/episode.pb.h"
#include "securebase/outcomes/v1/assessment.pb.h"
#include "securebase/outcomes/v1/own_instrument.pb.h"
#include "securebase/outcomes/v1/schedule.pb.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/records/claims.h"
#include "services/platform/records/database.h"

// What several handlers share.
namespace securebase::outcomes {

// All violations of several checks, in order.
std::vector<FieldViolation> Join(std::vector<std::vector<FieldViolation>> checks);

// The same with "<field>." before every field.
std::vector<FieldViolation> Below(absl::string_view field, std::vector<FieldViolation> violations);

// The episode as the caller sees it: NOT_FOUND, or FAILED_PRECONDITION (STATE_NOT_ALLOWED) unless
// it is ACTIVE or ON_HOLD.
absl::StatusOr<episodes::v1::Episode> ReadOpenEpisode(const records::Reader& reader,
                                                      const std::string& episode,
                                                      absl::string_view field);

// The same for something that was answered at `answered`, which counts also when the episode has
// FINISHED since.
absl::StatusOr<episodes::v1::Episode> ReadEpisodeAnsweredIn(const records::Reader& reader,
                                                            const std::string& episode,
                                                            absl::Time answered,
                                                            absl::string_view field);

// Whatever a client may not set, so that a resource which is sent back as it was read can be sent.
void ClearServerFields(v1::Schedule& schedule);
void ClearServerFields(v1::Assessment& assessment);

// A language as clients may write it, "EN-us" too: what is wrong with it, or the one way that it is
// kept. Empty is no language.
std::vector<FieldViolation> TakeLanguage(absl::string_view field, std::string& language);

// What was answered before there were such questionnaires is a slip, and would be the baseline of
// its series for ever.
std::vector<FieldViolation> CheckAnsweredTime(const google::protobuf::Timestamp& answered,
                                              absl::string_view field);

// A version of an instrument as its name says it.
struct VersionName {
  std::string instrument;  // its resource name
  int number = 0;
};

// From the name of a version, or of something below it; nullopt: there can be no such version, as
// of "versions/07".
std::optional<VersionName> ParseVersionName(absl::string_view name);

// A version as the caller may see it, built-in or the practice's own: NOT_FOUND if there is none,
// or it is a draft and the caller a participant.
absl::StatusOr<v1::InstrumentVersion> ReadVersion(const records::Reader& reader,
                                                  const Catalogue& built_in,
                                                  const std::string& instrument, int number);

// INVALID_ARGUMENT (LIMIT_EXCEEDED) if what a practice brings along is larger than that.
absl::Status CheckSize(absl::string_view field, size_t bytes, size_t limit);

// A page of a list that is short enough to be at hand: those of `keys`, which ascend, that the
// request asks for, and the token for the next page.
struct KeyPage {
  std::vector<std::string> keys;
  std::string next_page_token;
};
template <typename Request>
absl::StatusOr<KeyPage> CutPage(const records::Database& database, const api::Call& call,
                                const Request& request, const std::vector<std::string>& keys) {
  constexpr size_t kDefaultPageSize = 50;
  constexpr int kMaxPageSize = 200;
  SB_ASSIGN_OR_RETURN(const std::string after,
                      database.page_tokens().Open(call, request, request.page_token()));
  const size_t limit =
      request.page_size() <= 0
          ? kDefaultPageSize
          : static_cast<size_t>(std::min(request.page_size(), int32_t{kMaxPageSize}));
  const auto begin = std::upper_bound(keys.begin(), keys.end(), after);
  const size_t size = std::min(limit, static_cast<size_t>(keys.end() - begin));
  KeyPage page;
  page.keys.assign(begin, begin + static_cast<std::ptrdiff_t>(size));
  if (begin + static_cast<std::ptrdiff_t>(size) != keys.end()) {
    SB_ASSIGN_OR_RETURN(page.next_page_token,
                        database.page_tokens().Make(call, request, page.keys.back()));
  }
  return page;
}

// Moves a page into a response.
template <typename Message>
void MovePage(records::Page<Message>& page, google::protobuf::RepeatedPtrField<Message>& items,
              std::string& next_page_token) {
  for (Message& item : page.items) {
    *items.Add() = std::move(item);
  }
  next_page_token = std::move(page.next_page_token);
}

}  // namespace securebase::outcomes
