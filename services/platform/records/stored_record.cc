#include "services/platform/records/stored_record.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/envelope.h"

namespace securebase::records::internal {
namespace {

// Of the payloads this release writes, and the newest it can read.
constexpr uint32_t kSchemaVersion = 1;

}  // namespace

std::string RecordId(absl::string_view name) {
  // "practices/p/goals/g" -> "goals/g"
  const size_t practice = name.find('/');
  const size_t rest = practice == absl::string_view::npos ? practice : name.find('/', practice + 1);
  return rest == absl::string_view::npos ? std::string() : std::string(name.substr(rest + 1));
}

std::string RecordName(absl::string_view practice, absl::string_view record_id) {
  return absl::StrCat("practices/", practice, "/", record_id);
}

std::string Seal(const Access& access, std::string payload) {
  storage::Envelope envelope;
  envelope.schema_version = kSchemaVersion;
  envelope.episode = access.episode;
  envelope.subjects = access.subjects;
  envelope.payload = std::move(payload);
  return storage::SealEnvelope(envelope);
}

absl::StatusOr<StoredBytes> OpenBytes(absl::string_view value, int64_t version) {
  SB_ASSIGN_OR_RETURN(storage::Envelope envelope, storage::OpenEnvelope(value));
  if (envelope.key_id != 0) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kInternal,
                     "a record is encrypted with a key that this release does not know");
  }
  if (envelope.schema_version > kSchemaVersion) {
    return MakeError(absl::StatusCode::kDataLoss, Reason::kInternal,
                     "a record was written by a newer release; run that one");
  }
  StoredBytes bytes;
  bytes.version = version;
  bytes.access = {std::move(envelope.episode), std::move(envelope.subjects)};
  bytes.payload = std::move(envelope.payload);
  return bytes;
}

absl::StatusOr<StoredBytes> OpenRecord(const storage::Record& record) {
  return OpenBytes(record.value, record.version);
}

storage::ScanRequest ScanOf(absl::string_view practice, const Query& query) {
  storage::ScanRequest scan;
  scan.practice = std::string(practice);
  scan.index = query.index;
  scan.prefix = query.prefix;
  scan.until = query.until;
  scan.reverse = query.reverse;
  return scan;
}

}  // namespace securebase::records::internal
