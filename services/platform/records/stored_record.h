#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/api/update.h"
#include "services/platform/base/error.h"
#include "services/platform/records/kind.h"
#include "services/platform/storage/store.h"

// How a message stands in the store: for readers and transactions, not for services.
namespace securebase::records::internal {

// Orders before '-', '.', digits and letters, so that "e1" stands before "e1x" whatever follows.
inline constexpr char kSeparator = '\x01';
// The index of every record by those whose data it is.
inline constexpr char kDataSubjects[] = "data-subject";
// Rows that are asked for at a time.
inline constexpr int kScanRows = 250;

struct StoredBytes {
  int64_t version = 0;
  Access access;
  std::string payload;
};

// A record's id below its practice, and back: "practices/p/goals/g" is "goals/g" of p.
std::string RecordId(absl::string_view name);
std::string RecordName(absl::string_view practice, absl::string_view record_id);

// The envelope of a payload, and what is in it. DATA_LOSS when this release cannot read it.
std::string Seal(const Access& access, std::string payload);
absl::StatusOr<StoredBytes> OpenBytes(absl::string_view value, int64_t version);
absl::StatusOr<StoredBytes> OpenRecord(const storage::Record& record);

storage::ScanRequest ScanOf(absl::string_view practice, const Query& query);

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

}  // namespace securebase::records::internal
