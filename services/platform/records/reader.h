#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/type/v1/type.pb.h"
#include "services/platform/api/access.h"
#include "services/platform/api/call.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/kind.h"
#include "services/platform/records/stored_record.h"
#include "services/platform/storage/store.h"

namespace securebase::records {

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

}  // namespace securebase::records
