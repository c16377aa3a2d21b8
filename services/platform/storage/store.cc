#include "services/platform/storage/store.h"

#include <map>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "services/platform/base/error.h"
#include "services/platform/base/status_macros.h"
#include "services/platform/storage/checks.h"

namespace securebase::storage {

bool operator==(const RecordKey& a, const RecordKey& b) { return a.kind == b.kind && a.id == b.id; }

bool operator<(const RecordKey& a, const RecordKey& b) {
  return std::tie(a.kind, a.id) < std::tie(b.kind, b.id);
}

bool operator==(const Position& a, const Position& b) {
  return a.epoch == b.epoch && a.sequence == b.sequence;
}

namespace {

absl::Status CheckLimit(absl::string_view what, size_t actual, size_t limit) {
  if (actual <= limit) {
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kInvalidArgument, Reason::kLimitExceeded,
      absl::StrCat("a batch has ", actual, " ", what, ", ", limit, " are allowed; send several"),
      {{"limit", absl::StrCat(limit)}});
}

absl::Status CheckDistinctKeys(const Batch& batch) {
  std::set<RecordKey> deleted(batch.deletes.begin(), batch.deletes.end());
  std::set<RecordKey> put;
  for (size_t i = 0; i < batch.puts.size(); ++i) {
    const RecordKey& key = batch.puts[i].key;
    if (!put.insert(key).second) {
      return InvalidFields({{absl::StrCat("puts[", i, "].key"), "is put twice in one batch"}});
    }
    if (deleted.count(key) > 0) {
      return InvalidFields(
          {{absl::StrCat("puts[", i, "].key"), "is both deleted and put in one batch"}});
    }
  }
  return absl::OkStatus();
}

size_t BytesOf(const RecordKey& key) { return key.kind.size() + key.id.size(); }

size_t BytesOf(const Batch& batch) {
  size_t bytes = batch.practice.size();
  if (batch.idempotency.has_value()) {
    bytes += batch.idempotency->key.size() + batch.idempotency->fingerprint.size() +
             batch.idempotency->result.size();
  }
  if (batch.fence.has_value()) {
    bytes += batch.fence->lease.size();
  }
  for (const Expectation& expectation : batch.expectations) {
    bytes += BytesOf(expectation.key);
  }
  for (const RecordKey& key : batch.deletes) {
    bytes += BytesOf(key);
  }
  for (const Put& put : batch.puts) {
    bytes += BytesOf(put.key) + put.value.size();
    for (const IndexEntry& entry : put.index) {
      bytes += entry.index.size() + entry.sort_key.size();
    }
  }
  for (const std::string& entry : batch.journal) {
    bytes += entry.size();
  }
  for (const std::string& entry : batch.audit) {
    bytes += entry.size();
  }
  return bytes;
}

}  // namespace

absl::Status CheckBatch(const Batch& batch) {
  // Sizes first: the checks of single keys are then bounded as well.
  SB_RETURN_IF_ERROR(CheckLimit("operations",
                                batch.expectations.size() + batch.deletes.size() +
                                    batch.puts.size() + batch.journal.size() + batch.audit.size(),
                                kMaxBatchOperations));
  SB_RETURN_IF_ERROR(CheckLimit("bytes", BytesOf(batch), kMaxBatchBytes));
  SB_RETURN_IF_ERROR(CheckName("practice", batch.practice));
  if (batch.idempotency.has_value()) {
    SB_RETURN_IF_ERROR(CheckName("idempotency.key", batch.idempotency->key));
  }
  if (batch.fence.has_value()) {
    SB_RETURN_IF_ERROR(CheckName("fence.lease", batch.fence->lease));
  }
  for (size_t i = 0; i < batch.expectations.size(); ++i) {
    const std::string field = absl::StrCat("expectations[", i, "]");
    SB_RETURN_IF_ERROR(CheckKey(field, batch.expectations[i].key));
    if (batch.expectations[i].version < 0) {
      return InvalidFields({{absl::StrCat(field, ".version"), "must be 0 or more"}});
    }
  }
  for (size_t i = 0; i < batch.deletes.size(); ++i) {
    SB_RETURN_IF_ERROR(CheckKey(absl::StrCat("deletes[", i, "]"), batch.deletes[i]));
  }
  for (size_t i = 0; i < batch.puts.size(); ++i) {
    const Put& put = batch.puts[i];
    const std::string field = absl::StrCat("puts[", i, "]");
    SB_RETURN_IF_ERROR(CheckKey(field, put.key));
    SB_RETURN_IF_ERROR(CheckLimit("index entries of one put", put.index.size(), kMaxIndexEntries));
    for (const IndexEntry& entry : put.index) {
      SB_RETURN_IF_ERROR(CheckName(absl::StrCat(field, ".index.index"), entry.index));
      SB_RETURN_IF_ERROR(CheckSortKey(absl::StrCat(field, ".index.sort_key"), entry.sort_key));
    }
  }
  return CheckDistinctKeys(batch);
}

}  // namespace securebase::storage
