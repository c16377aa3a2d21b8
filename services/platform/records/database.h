#pragma once

#include <functional>
#include <memory>
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
#include "services/platform/base/audit.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/records/kind.h"
#include "services/platform/records/reader.h"
#include "services/platform/records/stored_record.h"
#include "services/platform/records/write.h"
#include "services/platform/storage/store.h"

// What the services' records and handlers share: messages kept in the store under their resource
// names, read through the eyes of the caller, and written in transactions that may be repeated.
namespace securebase::records {

using api::AccessSource;

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
