#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/access.h"
#include "services/platform/api/call.h"
#include "services/platform/api/page_token.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/api/update.h"
#include "services/platform/base/audit.h"
#include "services/platform/base/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/store.h"

// What the services' records and handlers share: messages kept in the store under their resource
// names, read through the eyes of the caller, and written in transactions that may be repeated.
namespace securebase::records {

using api::AccessSource;

// Whose record it is.
struct Access {
  std::string episode;  // its id; empty: the practice's, for everybody but participants
  std::vector<std::string> subjects;  // participants' ids whose data it holds
};

// How messages of one type are stored. `Message` has `string name`, a resource name below
// "practices/{practice}/"; the head fields etag, uid, create_time and update_time are filled in
// where it has them. The etag is not stored: it is the record's version.
template <typename Message>
struct Kind {
  std::string name;  // of the record: "goal"
  std::function<Access(const Message&)> access;
  // All index entries of this message (at most 256); may be empty.
  std::function<std::vector<storage::IndexEntry>(const Message&)> index;
  bool journaled = true;  // changes appear in the practice's journal
};

// A sort key of several parts: joined with a byte that orders before all that ids and formatted
// times hold. A prefix for Scan ends with the separator: SortKey({"e1", ""}).
std::string SortKey(const std::vector<std::string>& parts);
// A time in a sort key: fixed width, ordered as times are, to the microsecond.
std::string SortableTime(absl::Time time);

// Where a list looks.
struct Query {
  std::string index;
  std::string prefix = "";
  std::string until = "";  // sort keys below this only; empty: no bound
  bool reverse = false;
  // Of a query over the whole practice: the index that has the same records with the episode's id
  // before their sort keys. A participant's list walks it, episode by episode, instead of all that
  // the practice has; `until` does not bind it. Empty: there is none.
  std::string by_episode = "";
};

// All records that hold one participant's data, whatever their kinds: every record is indexed by
// those whose data it is. For who must find them all, as an erasure must.
Query DataOf(absl::string_view episode, absl::string_view participant);

template <typename Message>
struct Page {
  std::vector<Message> items;
  std::string next_page_token;  // empty: this is the last
};

struct DatabaseOptions {
  storage::Store* store;
  AccessSource* access;
  const api::PageTokens* page_tokens;
  IdGenerator* ids;
  // How long a request_id is remembered.
  absl::Duration idempotency_lifetime = absl::Hours(24 * 14);
};

namespace internal {

struct StoredBytes {
  int64_t version = 0;
  Access access;
  std::string payload;
};

std::string RecordId(absl::string_view name);
absl::StatusOr<StoredBytes> OpenRecord(const storage::Record& record);

// The head fields, where the message has them.
template <typename Message>
void SetEtag(Message& message, int64_t version) {
  if constexpr (requires { message.set_etag(std::string()); }) {
    message.set_etag(api::MakeEtag(version));
  }
}
template <typename Message>
void SetCreated(Message& message, absl::Time now, const std::string& uid) {
  if constexpr (requires { message.set_uid(uid); }) {
    message.set_uid(uid);
  }
  if constexpr (requires { message.mutable_create_time(); }) {
    *message.mutable_create_time() = api::ToProto(now);
  }
}
template <typename Message>
void SetUpdated(Message& message, absl::Time now) {
  if constexpr (requires { message.mutable_update_time(); }) {
    *message.mutable_update_time() = api::ToProto(now);
  }
  if constexpr (requires { message.clear_etag(); }) {
    message.clear_etag();
  }
}
template <typename Message>
absl::StatusOr<Message> Parse(const StoredBytes& bytes, absl::string_view name) {
  Message message;
  if (!message.ParseFromString(bytes.payload)) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kInternal,
                     absl::StrCat("the record of ", name, " cannot be read"));
  }
  SetEtag(message, bytes.version);
  return message;
}

}  // namespace internal

// One caller's eyes on one practice, for the length of a call. Not thread-safe.
class Reader {
 public:
  Reader(storage::Store& store, const api::Call& call,
         std::shared_ptr<const type::v1::AccessView> view);

  const api::Call& call() const { return *call_; }
  const type::v1::AccessView& view() const { return *view_; }

  // The participant that the caller is in the episode ("practices/p/episodes/e"); empty: none.
  std::string SelfIn(absl::string_view episode) const;

  // Whether the caller may see a record.
  bool MaySee(const Access& access) const;
  // OK when the caller may see the episode ("practices/p/episodes/e"); NOT_FOUND otherwise. Says
  // nothing about whether it exists for those who see the whole practice.
  absl::Status CheckEpisode(absl::string_view episode) const;

  // The record, NOT_FOUND when there is none or the caller may not see it.
  template <typename Message>
  absl::StatusOr<Message> Get(const Kind<Message>& kind, absl::string_view name) const {
    SB_ASSIGN_OR_RETURN(const auto bytes, ReadBytes(kind.name, name));
    if (!bytes.has_value() || !MaySeeNamed(bytes->access)) {
      return NotFound(name);
    }
    return internal::Parse<Message>(*bytes, name);
  }

  // The record whether or not the caller may see it, for rules that must know; nullopt: none.
  template <typename Message>
  absl::StatusOr<std::optional<Message>> Find(const Kind<Message>& kind,
                                              absl::string_view name) const {
    SB_ASSIGN_OR_RETURN(const auto bytes, ReadBytes(kind.name, name));
    if (!bytes.has_value()) {
      return std::optional<Message>();
    }
    SB_ASSIGN_OR_RETURN(Message message, internal::Parse<Message>(*bytes, name));
    return std::optional<Message>(std::move(message));
  }

  // Records in the query's order, visible to the caller, `limit` at most.
  template <typename Message>
  absl::StatusOr<std::vector<Message>> GetAll(const Kind<Message>& kind, const Query& query,
                                              int limit) const {
    return ReadAll(kind, query, limit, /*filtered=*/true);
  }
  // The same, visible or not.
  template <typename Message>
  absl::StatusOr<std::vector<Message>> FindAll(const Kind<Message>& kind, const Query& query,
                                               int limit) const {
    return ReadAll(kind, query, limit, /*filtered=*/false);
  }
  // Hands every record of the query to `use`, an absl::Status(const Message&), visible or not, in
  // its order and a page at a time: for what is too much to hold at once. Ends with the first error
  // of `use`. What a transaction has written is not seen: for reads alone.
  template <typename Message, typename Use>
  absl::Status FindEach(const Kind<Message>& kind, const Query& query, const Use& use) const {
    return ReadEach(kind.name, query, [&](const internal::StoredBytes& bytes) -> absl::Status {
      SB_ASSIGN_OR_RETURN(const Message message, internal::Parse<Message>(bytes, kind.name));
      return use(message);
    });
  }

 protected:
  struct Row {
    std::string sort_key;
    std::string id;  // of the record: its name below the practice
    internal::StoredBytes bytes;
  };

  virtual absl::StatusOr<std::optional<internal::StoredBytes>> ReadBytes(
      const std::string& kind, absl::string_view name) const;
  virtual absl::StatusOr<std::vector<Row>> ReadRows(const std::string& kind, const Query& query,
                                                    int limit, bool filtered) const;

  absl::Status ReadEach(const std::string& kind, const Query& query,
                        const std::function<absl::Status(const internal::StoredBytes&)>& use) const;

  storage::Context context() const { return {call_->deadline}; }

  template <typename Message>
  absl::StatusOr<std::vector<Message>> ReadAll(const Kind<Message>& kind, const Query& query,
                                               int limit, bool filtered) const {
    SB_ASSIGN_OR_RETURN(const auto rows, ReadRows(kind.name, query, limit, filtered));
    std::vector<Message> messages;
    messages.reserve(rows.size());
    for (const Row& row : rows) {
      SB_ASSIGN_OR_RETURN(Message message, internal::Parse<Message>(row.bytes, row.id));
      messages.push_back(std::move(message));
    }
    return messages;
  }

  // MaySee of what the caller named: a "no" from a view that may be too old is asked again, once.
  bool MaySeeNamed(const Access& access) const;

  storage::Store* store_;
  const api::Call* call_;
  mutable std::shared_ptr<const type::v1::AccessView> view_;
  mutable api::AccessSource* refresh_ = nullptr;  // null: the view is as fresh as it gets

  friend class Database;

 public:
  virtual ~Reader() = default;
};

// A transaction of one call: the records it read by name are still so when it is committed, what it
// writes is written all or nothing. Its reads see its own writes. Of a query only the records that
// are then read by name, with Find, are held: a rule that rests on several reads each of them so.
class Write : public Reader {
 public:
  Write(storage::Store& store, const api::Call& call,
        std::shared_ptr<const type::v1::AccessView> view, IdGenerator& ids);

  absl::Time now() const { return call_->time; }
  std::string NewId() { return ids_->NewId(); }

  // `id` if the client gave one, else a new one.
  std::string IdOr(const std::string& id) { return id.empty() ? NewId() : id; }

  // Adds a record under message.name(). ALREADY_EXISTS when there is one. Returns it with its head
  // (uid, etag, times).
  template <typename Message>
  absl::StatusOr<Message> Create(const Kind<Message>& kind, Message message) {
    SB_ASSIGN_OR_RETURN(const auto existing, ReadBytes(kind.name, message.name()));
    if (existing.has_value()) {
      return AlreadyExists(message.name());
    }
    internal::SetCreated(message, now(), NewId());
    return Put(kind, std::move(message), type::v1::JOURNAL_ACTION_CREATED);
  }

  // Replaces a record that this transaction has read (or made). Returns it with its new etag.
  template <typename Message>
  absl::StatusOr<Message> Update(const Kind<Message>& kind, Message message) {
    return Put(kind, std::move(message), type::v1::JOURNAL_ACTION_UPDATED);
  }

  // Adds or replaces: for records that are derived, not created by anybody.
  template <typename Message>
  absl::StatusOr<Message> Save(const Kind<Message>& kind, Message message) {
    SB_ASSIGN_OR_RETURN(const auto existing, ReadBytes(kind.name, message.name()));
    if (!existing.has_value()) {
      return Create(kind, std::move(message));
    }
    return Put(kind, std::move(message), type::v1::JOURNAL_ACTION_UPDATED);
  }

  // Removes a record; no error when there is none.
  template <typename Message>
  absl::Status Delete(const Kind<Message>& kind, absl::string_view name) {
    return DeleteBytes(kind.name, name, kind.journaled);
  }

  // Whose data the response holds, where that is less than all that is written: who repeats the
  // request later must be allowed to see this much.
  void SetResultAccess(Access access) { result_access_ = std::move(access); }

  // Makes the commit depend on a lease.
  void SetFence(storage::Fence fence) { fence_ = std::move(fence); }

 private:
  friend class Database;

  struct Pending {
    std::optional<internal::StoredBytes> bytes;  // nullopt: deleted
    std::vector<storage::IndexEntry> index;
  };

  absl::StatusOr<std::optional<internal::StoredBytes>> ReadBytes(
      const std::string& kind, absl::string_view name) const override;
  absl::StatusOr<std::vector<Row>> ReadRows(const std::string& kind, const Query& query, int limit,
                                            bool filtered) const override;

  template <typename Message>
  absl::StatusOr<Message> Put(const Kind<Message>& kind, Message message,
                              type::v1::JournalAction action) {
    internal::SetUpdated(message, now());
    SB_ASSIGN_OR_RETURN(const int64_t version,
                        PutBytes(kind.name, message.name(), kind.access(message),
                                 message.SerializeAsString(), kind.index(message),
                                 kind.journaled ? action : type::v1::JOURNAL_ACTION_UNSPECIFIED));
    internal::SetEtag(message, version);
    return message;
  }

  // Returns the version the record will have.
  absl::StatusOr<int64_t> PutBytes(const std::string& kind, const std::string& name, Access access,
                                   std::string payload, std::vector<storage::IndexEntry> index,
                                   type::v1::JournalAction action);
  absl::Status DeleteBytes(const std::string& kind, absl::string_view name, bool journaled);
  void AddJournal(absl::string_view name, type::v1::JournalAction action,
                  absl::string_view episode);

  // Whether the records that were read, one by one, are still as they were read.
  absl::StatusOr<bool> IsCurrent() const;
  // The batch of all that was done, without audit and idempotency.
  storage::Batch TakeBatch();
  // Whose data the transaction touched, for the stored result.
  Access result_access() const;

  IdGenerator* ids_;
  mutable std::map<storage::RecordKey, int64_t> read_versions_;  // 0: absent
  std::map<storage::RecordKey, Pending> pending_;
  std::vector<std::string> journal_;
  std::optional<storage::Fence> fence_;
  std::optional<Access> result_access_;
};

// A service's data. Thread-safe.
class Database {
 public:
  explicit Database(const DatabaseOptions& options) : options_(options) {}

  storage::Store& store() const { return *options_.store; }
  // For lists that do not come from the store.
  const api::PageTokens& page_tokens() const { return *options_.page_tokens; }

  // The caller's eyes. UNAVAILABLE when the owner of the episodes does not answer.
  absl::StatusOr<Reader> ReaderFor(const api::Call& call) const;

  // Get through the caller's eyes.
  template <typename Message>
  absl::StatusOr<Message> Get(const api::Call& call, const Kind<Message>& kind,
                              absl::string_view name) const {
    SB_ASSIGN_OR_RETURN(const Reader reader, ReaderFor(call));
    return reader.Get(kind, name);
  }

  // A page of what the caller may see, for a request with page_size and page_token. `keep` filters
  // further (null: no filter). It ends after page_size records or about 1 MiB, and at most some
  // 1,000 rows are looked at for it, so it may be short or empty and still have a token. Otherwise
  // there is a token only when something follows that the caller may see.
  template <typename Message, typename Request>
  absl::StatusOr<Page<Message>> List(
      const api::Call& call, const Request& request, const Kind<Message>& kind, const Query& query,
      const std::function<bool(const Message&)>& keep = nullptr) const {
    Page<Message> page;
    const auto take = [&](const internal::StoredBytes& bytes, bool show) -> absl::StatusOr<bool> {
      SB_ASSIGN_OR_RETURN(Message message, internal::Parse<Message>(bytes, kind.name));
      if (keep != nullptr && !keep(message)) {
        return false;
      }
      if (show) {
        page.items.push_back(std::move(message));
      }
      return true;
    };
    SB_ASSIGN_OR_RETURN(page.next_page_token,
                        ListBytes(call, request, request.page_size(), request.page_token(),
                                  kind.name, query, take));
    return page;
  }

  // Runs `body` in a transaction and commits it, with its audit entry and, if the request has a
  // request_id, its result for a repeat. When another write got in between, `body` runs again on
  // the new state, also after an error: it must have no effect but through the Write. The result is
  // `body`'s, or the first one's when the request was repeated, also while the first was under way.
  // Errors are body's, or ABORTED (CONFLICT) when others kept getting in between, or the store's. A
  // request with a `validate_only` that is set (AIP-163) runs `body` once and commits nothing.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Transact(
      const api::Call& call, const Request& request,
      const std::function<absl::StatusOr<Response>(Write&)>& body) const {
    Response response;
    const auto run = [&](Write& write) -> absl::Status {
      SB_ASSIGN_OR_RETURN(response, body(write));
      return absl::OkStatus();
    };
    if constexpr (requires { request.validate_only(); }) {
      if (request.validate_only()) {
        SB_RETURN_IF_ERROR(TryBytes(call, run));
        return response;
      }
    }
    std::string request_id;
    if constexpr (requires { request.request_id(); }) {
      request_id = request.request_id();
    }
    SB_RETURN_IF_ERROR(TransactBytes(call, request, request_id, run, response));
    return response;
  }

  // Fills a response that has `entries`, `next_token` and `more` from a request that has
  // `page_size` and `token`. An empty token begins with the first entry. OUT_OF_RANGE
  // (RESYNC_REQUIRED) when entries from there on are no longer kept, or the token is of another
  // epoch; its metadata `token` says where to follow after everything was read again.
  // INVALID_ARGUMENT (INVALID_PAGE_TOKEN) when it is damaged.
  template <typename Response, typename Request>
  absl::StatusOr<Response> ListJournal(const api::Call& call, const Request& request) const {
    Response response;
    SB_ASSIGN_OR_RETURN(JournalSlice slice,
                        ReadJournal(call, request.token(), request.page_size()));
    for (type::v1::JournalEntry& entry : slice.entries) {
      *response.add_entries() = std::move(entry);
    }
    response.set_next_token(slice.next_token);
    response.set_more(slice.more);
    return response;
  }

 private:
  struct JournalSlice {
    std::vector<type::v1::JournalEntry> entries;
    std::string next_token;
    bool more = false;
  };

  absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> ViewFor(const api::Call& call) const;
  absl::StatusOr<std::string> ListBytes(
      const api::Call& call, const google::protobuf::Message& request, int page_size,
      const std::string& page_token, const std::string& kind, const Query& query,
      const std::function<absl::StatusOr<bool>(const internal::StoredBytes&, bool show)>& take)
      const;
  absl::Status TransactBytes(const api::Call& call, const google::protobuf::Message& request,
                             const std::string& request_id,
                             const std::function<absl::Status(Write&)>& body,
                             google::protobuf::Message& response) const;
  static AuditRecord MakeAuditRecord(const api::Call& call, std::string resource,
                                     std::string outcome);
  Write Begin(const api::Call& call, const std::shared_ptr<const type::v1::AccessView>& view) const;
  // Fills the response with a stored result, unless what it shows may no longer be seen.
  absl::Status Replay(const api::Call& call, const google::protobuf::Message& request,
                      const std::string& sealed, google::protobuf::Message& response) const;
  // Replays what was stored under `key`; false: nothing is, or `key` is empty.
  absl::StatusOr<bool> FindReplay(const api::Call& call, const google::protobuf::Message& request,
                                  const std::string& key, const std::string& fingerprint,
                                  google::protobuf::Message& response) const;
  absl::Status TryBytes(const api::Call& call,
                        const std::function<absl::Status(Write&)>& body) const;
  absl::StatusOr<JournalSlice> ReadJournal(const api::Call& call, const std::string& token,
                                           int page_size) const;

  const DatabaseOptions options_;
};

}  // namespace securebase::records
