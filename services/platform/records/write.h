#pragma once

#include <cstdint>
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
#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/call.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/kind.h"
#include "services/platform/records/reader.h"
#include "services/platform/records/stored_record.h"
#include "services/platform/storage/store.h"

namespace securebase::records {

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

}  // namespace securebase::records
