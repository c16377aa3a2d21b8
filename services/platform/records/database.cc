#include "services/platform/records/database.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/platform/api/access.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/auth/principal.h"
#include "services/platform/base/audit.h"
#include "services/platform/base/resource_name.h"

namespace securebase::records {
namespace {

using internal::kScanRows;
using internal::kSeparator;
using internal::OpenBytes;
using internal::ScanOf;
using internal::Seal;

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 200;
// Rows looked at for one page of a list, however few of them the caller may see.
constexpr int kMaxRowsExamined = 1000;
// A page ends once its records are this long, so that a client's default limit of 4 MiB suffices.
constexpr size_t kMaxPageBytes = 1 << 20;
constexpr char kRepeatedOutcome[] = "REPEATED";  // in the audit: a request_id's first result again
// Attempts at a transaction before the caller is asked to retry. Conflicts are rare beyond one
// series or episode; each attempt re-reads, so that one of the rivals always gets through.
constexpr int kMaxAttempts = 20;

int PageSize(int requested) {
  return requested <= 0 ? kDefaultPageSize : std::min(requested, kMaxPageSize);
}

bool SeesWholePractice(const auth::Principal& principal) {
  // What a system or a service may do is decided by its scopes; within them it sees everything.
  return principal.kind == auth::PrincipalKind::kSystem ||
         principal.kind == auth::PrincipalKind::kService;
}

// A string field of `message`, or "" when it has none.
std::string StringField(const google::protobuf::Message& message, const std::string& field_name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(field_name);
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    return "";
  }
  return message.GetReflection()->GetString(message, field);
}

// The resource that a write was about: what it answers, else what it names.
std::string AuditedResource(const google::protobuf::Message& request,
                            const google::protobuf::Message& response) {
  for (const std::string& name : {StringField(response, "name"), StringField(request, "name"),
                                  StringField(request, "parent")}) {
    if (!name.empty()) {
      return name;
    }
  }
  return "";
}

std::string IdempotencyScope(const api::Call& call, const std::string& request_id) {
  return absl::StrCat(call.method, "\x01", auth::PrincipalKindName(call.principal.kind), ":",
                      call.principal.subject, "\x01", request_id);
}

// A list is walked in one part or, by a participant, in one for each of their episodes.
struct Part {
  std::string episode;  // empty: all of them
  Query query;
};

std::vector<Part> PartsOf(const Query& query, const Reader& reader) {
  if (query.by_episode.empty() ||
      reader.call().principal.kind != auth::PrincipalKind::kParticipant) {
    return {{"", query}};
  }
  std::vector<Part> parts;
  for (const type::v1::EpisodeAccess& access : reader.view().episodes()) {
    parts.push_back(
        {access.episode(), {query.by_episode, SortKey({access.episode(), ""}), "", query.reverse}});
  }
  return parts;
}

// Where a list goes on: in which part, and after which row of it. Its text begins with a format.
constexpr absl::string_view kPlaceFormat = "1";
struct Place {
  std::string episode;
  std::string cursor;
};

std::string FormatPlace(const Place& place) {
  return absl::StrCat(kPlaceFormat, place.episode, std::string(1, kSeparator), place.cursor);
}

absl::StatusOr<Place> ParsePlace(absl::string_view text) {
  if (text.empty()) {
    return Place();
  }
  const size_t separator = text.find(kSeparator);
  if (!absl::ConsumePrefix(&text, kPlaceFormat) || separator == absl::string_view::npos) {
    return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken,
                     "page_token is of another release; begin again without one");
  }
  return Place{std::string(text.substr(0, separator - 1)), std::string(text.substr(separator))};
}

// Whether another moment might have had another outcome.
bool RestsOnState(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsAlreadyExists(status) || absl::IsAborted(status) ||
         absl::IsFailedPrecondition(status) || absl::IsInvalidArgument(status);
}

std::string FormatJournalToken(const storage::Position& position, int64_t sequence) {
  std::string token;
  absl::WebSafeBase64Escape(absl::StrCat(position.epoch, ":", sequence), &token);
  return token;
}

// The position was read before the error was: whoever reads everything and then follows from this
// token misses nothing.
absl::Status ResyncRequired(const storage::Position& position) {
  return MakeError(absl::StatusCode::kOutOfRange, Reason::kResyncRequired,
                   "the journal no longer reaches back to that token, or the store was restored; "
                   "read everything again, then follow the journal from metadata `token`",
                   {{"token", FormatJournalToken(position, position.sequence)}});
}

absl::Status BadJournalToken() {
  return MakeError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken,
                   "token is damaged; send one that ListJournal returned, or none to begin with "
                   "the first entry");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> Database::ViewFor(
    const api::Call& call) const {
  if (!SeesWholePractice(call.principal)) {
    return options_.access->ViewFor(call);
  }
  auto view = std::make_shared<type::v1::AccessView>();
  view->set_practice(call.practice());
  view->set_practice_wide(true);
  return std::shared_ptr<const type::v1::AccessView>(std::move(view));
}

absl::StatusOr<Reader> Database::ReaderFor(const api::Call& call) const {
  SB_ASSIGN_OR_RETURN(auto view, ViewFor(call));
  Reader reader(*options_.store, call, std::move(view));
  reader.refresh_ = SeesWholePractice(call.principal) ? nullptr : options_.access;
  return reader;
}

absl::StatusOr<std::string> Database::ListBytes(
    const api::Call& call, const google::protobuf::Message& request, int page_size,
    const std::string& page_token, const std::string& kind, const Query& query,
    const std::function<absl::StatusOr<bool>(const internal::StoredBytes&, bool show)>& take)
    const {
  SB_ASSIGN_OR_RETURN(const Reader reader, ReaderFor(call));
  if (const std::string episode = StringField(request, "episode"); !episode.empty()) {
    // One that began just now is asked for anew; one that may not be seen lists nothing.
    (void)reader.CheckEpisode(episode);
  }
  SB_ASSIGN_OR_RETURN(const std::string opened,
                      options_.page_tokens->Open(call, request, page_token));
  SB_ASSIGN_OR_RETURN(Place place, ParsePlace(opened));
  const Place begin = place;
  const int wanted = PageSize(page_size);
  int shown = 0;
  size_t bytes_shown = 0;
  int examined = 0;
  int scan_rows = std::min(kScanRows, wanted + 1);
  for (const Part& part : PartsOf(query, reader)) {
    // An episode may have come or gone since the page before.
    if (part.episode < begin.episode) {
      continue;
    }
    storage::ScanRequest scan = ScanOf(call.practice(), part.query);
    scan.after = part.episode == begin.episode ? begin.cursor : "";
    bool more = true;
    while (more) {
      if (examined >= kMaxRowsExamined) {
        return options_.page_tokens->Make(call, request, FormatPlace(place));
      }
      scan.limit = scan_rows;
      SB_ASSIGN_OR_RETURN(const storage::ScanPage page,
                          options_.store->Scan({call.deadline}, scan));
      for (const storage::ScanRow& row : page.rows) {
        const bool full = shown >= wanted || bytes_shown >= kMaxPageBytes;
        ++examined;
        if (row.key.kind == kind) {
          SB_ASSIGN_OR_RETURN(const internal::StoredBytes bytes, internal::OpenRecord(row.record));
          if (reader.MaySee(bytes.access)) {
            SB_ASSIGN_OR_RETURN(const bool taken, take(bytes, !full));
            if (taken && full) {
              return options_.page_tokens->Make(call, request, FormatPlace(place));
            }
            shown += taken ? 1 : 0;
            bytes_shown += taken ? bytes.payload.size() : 0;
          }
        }
        if (!full) {
          place = {part.episode, row.cursor};
        }
      }
      more = page.more && !page.rows.empty();
      if (more) {
        scan.after = page.rows.back().cursor;
      }
      scan_rows = kScanRows;  // what was asked for first was hidden or did not suffice
    }
  }
  return std::string();
}

AuditRecord Database::MakeAuditRecord(const api::Call& call, std::string resource,
                                      std::string outcome) {
  AuditRecord audit;
  audit.time = call.time;
  audit.practice = call.practice();
  audit.principal = auth::FormatPrincipal(call.principal);
  audit.method = call.method;
  audit.resource = std::move(resource);
  audit.outcome = std::move(outcome);
  audit.call_id = call.call_id;
  return audit;
}

Write Database::Begin(const api::Call& call,
                      const std::shared_ptr<const type::v1::AccessView>& view) const {
  Write write(*options_.store, call, view, *options_.ids);
  write.refresh_ = SeesWholePractice(call.principal) ? nullptr : options_.access;
  return write;
}

absl::Status Database::Replay(const api::Call& call, const google::protobuf::Message& request,
                              const std::string& sealed,
                              google::protobuf::Message& response) const {
  SB_ASSIGN_OR_RETURN(const internal::StoredBytes bytes, OpenBytes(sealed, 0));
  SB_ASSIGN_OR_RETURN(const Reader reader, ReaderFor(call));
  if (!reader.MaySeeNamed(bytes.access)) {
    return MakeError(absl::StatusCode::kNotFound, Reason::kNotFound,
                     "what this request_id was answered with is not there any more, or may not be "
                     "seen");
  }
  if (!response.ParseFromString(bytes.payload)) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kInternal,
                     "the stored result of this request_id cannot be read");
  }
  // It discloses what the first answer did, so it is recorded like that.
  storage::Batch batch;
  batch.practice = call.practice();
  batch.audit.push_back(FormatAuditRecord(
      MakeAuditRecord(call, AuditedResource(request, response), kRepeatedOutcome)));
  return options_.store->Apply({call.deadline}, batch).status();
}

absl::StatusOr<bool> Database::FindReplay(const api::Call& call,
                                          const google::protobuf::Message& request,
                                          const std::string& key, const std::string& fingerprint,
                                          google::protobuf::Message& response) const {
  if (key.empty()) {
    return false;
  }
  SB_ASSIGN_OR_RETURN(const auto found, options_.store->FindResult({call.deadline}, call.practice(),
                                                                   key, fingerprint));
  if (!found.has_value()) {
    return false;
  }
  SB_RETURN_IF_ERROR(Replay(call, request, *found, response));
  return true;
}

absl::Status Database::TransactBytes(const api::Call& call,
                                     const google::protobuf::Message& request,
                                     const std::string& request_id,
                                     const std::function<absl::Status(Write&)>& body,
                                     google::protobuf::Message& response) const {
  SB_ASSIGN_OR_RETURN(const auto view, ViewFor(call));
  const std::string key = request_id.empty() ? "" : IdempotencyScope(call, request_id);
  const std::string fingerprint = request_id.empty() ? "" : api::Fingerprint(request);
  SB_ASSIGN_OR_RETURN(const bool repeated, FindReplay(call, request, key, fingerprint, response));
  if (repeated) {
    return absl::OkStatus();
  }
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    Write write = Begin(call, view);
    absl::Status done = body(write);
    if (!done.ok()) {
      if (!RestsOnState(done)) {
        return done;
      }
      // The first sending of this request may have been committed meanwhile: then its result is
      // the answer. And what an error rests on must hold at one moment.
      SB_ASSIGN_OR_RETURN(const bool overtaken,
                          FindReplay(call, request, key, fingerprint, response));
      if (overtaken) {
        return absl::OkStatus();
      }
      SB_ASSIGN_OR_RETURN(const bool current, write.IsCurrent());
      if (current) {
        return done;
      }
      continue;
    }
    const Access access = write.result_access();
    storage::Batch batch = write.TakeBatch();
    batch.audit.push_back(
        FormatAuditRecord(MakeAuditRecord(call, AuditedResource(request, response), "OK")));
    if (!key.empty()) {
      batch.idempotency =
          storage::IdempotencyKey{key, fingerprint, Seal(access, response.SerializeAsString()),
                                  call.time + options_.idempotency_lifetime};
    }
    const auto result = options_.store->Apply({call.deadline}, batch);
    if (result.ok()) {
      return result->replayed.has_value() ? Replay(call, request, *result->replayed, response)
                                          : absl::OkStatus();
    }
    if (ReasonOf(result.status()) != Reason::kConflict) {
      return result.status();
    }
  }
  return MakeError(absl::StatusCode::kAborted, Reason::kConflict,
                   "other writes to the same records kept getting in between; retry the call");
}

absl::Status Database::TryBytes(const api::Call& call,
                                const std::function<absl::Status(Write&)>& body) const {
  SB_ASSIGN_OR_RETURN(const auto view, ViewFor(call));
  Write write = Begin(call, view);
  return body(write);
}

absl::StatusOr<Database::JournalSlice> Database::ReadJournal(const api::Call& call,
                                                             const std::string& token,
                                                             int page_size) const {
  const storage::Context context{call.deadline};
  SB_ASSIGN_OR_RETURN(const storage::Position position,
                      options_.store->GetPosition(context, call.practice()));
  int64_t after = 0;
  if (!token.empty()) {
    std::string text;
    if (!absl::WebSafeBase64Unescape(token, &text)) {
      return BadJournalToken();
    }
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &after) ||
        after < 0) {
      return BadJournalToken();
    }
    if (text.substr(0, colon) != position.epoch) {
      return ResyncRequired(position);
    }
  }
  const auto page = options_.store->Journal(context, call.practice(), after, PageSize(page_size));
  if (ReasonOf(page.status()) == Reason::kResyncRequired) {
    return ResyncRequired(position);
  }
  SB_RETURN_IF_ERROR(page.status());
  JournalSlice slice;
  for (const storage::JournalEntry& stored : page->entries) {
    type::v1::JournalEntry entry;
    if (!entry.ParseFromString(stored.value)) {
      return MakeError(absl::StatusCode::kDataLoss, Reason::kInternal,
                       "a journal entry cannot be read");
    }
    entry.set_sequence(stored.sequence);
    *entry.mutable_commit_time() = api::ToProto(stored.time);
    slice.entries.push_back(std::move(entry));
    after = stored.sequence;
  }
  slice.next_token = FormatJournalToken(page->position, after);
  slice.more = page->more;
  return slice;
}

}  // namespace securebase::records
