#include "services/platform/storage/practice_digest.h"

#include <openssl/sha.h>

#include <cstdlib>
#include <numeric>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "services/platform/storage/checks.h"

namespace securebase::storage {
namespace {

// A smallest entry is two empty strings.
constexpr size_t kLeastEntryBytes = 2;

struct ItemAppender {
  std::string& out;

  void operator()(const PracticeCounters& counters) const {
    AppendInt64(out, counters.journal_last);
    AppendInt64(out, counters.journal_trimmed);
    AppendInt64(out, counters.audit_last);
  }
  void operator()(const RecordCopy& copy) const {
    AppendString(out, copy.key.kind);
    AppendString(out, copy.key.id);
    AppendInt64(out, copy.record.version);
    AppendString(out, copy.record.value);
    AppendVarint(out, static_cast<uint32_t>(copy.index.size()));
    for (const IndexEntry& entry : copy.index) {
      AppendString(out, entry.index);
      AppendString(out, entry.sort_key);
    }
  }
  void operator()(const JournalEntry& entry) const { AppendEntry(entry); }
  void operator()(const AuditEntry& entry) const { AppendEntry(entry); }
  void operator()(const IdempotencyKey& key) const {
    AppendString(out, key.key);
    AppendString(out, key.fingerprint);
    AppendString(out, key.result);
    AppendInt64(out, ToStoredTime(key.expire_time));
  }
  void operator()(const LeaseCopy& lease) const {
    AppendString(out, lease.name);
    AppendInt64(out, lease.token);
  }

 private:
  template <typename Entry>
  void AppendEntry(const Entry& entry) const {
    AppendInt64(out, entry.sequence);
    AppendInt64(out, ToStoredTime(entry.time));
    AppendString(out, entry.value);
  }
};

template <typename Entry>
Entry ReadEntry(Decoder& decoder) {
  Entry entry;
  entry.sequence = decoder.Int64();
  entry.time = FromStoredTime(decoder.Int64());
  entry.value = std::string(decoder.String());
  return entry;
}

RecordCopy ReadRecordCopy(Decoder& decoder) {
  RecordCopy copy;
  copy.key.kind = std::string(decoder.String());
  copy.key.id = std::string(decoder.String());
  copy.record.version = decoder.Int64();
  copy.record.value = std::string(decoder.String());
  const uint32_t entries = decoder.Varint();
  // What cannot be there is not reserved for, either.
  if (entries <= decoder.rest().size() / kLeastEntryBytes) {
    copy.index.reserve(entries);
  }
  for (uint32_t i = 0; i < entries && decoder.ok(); ++i) {
    std::string index(decoder.String());
    std::string sort_key(decoder.String());
    copy.index.push_back({std::move(index), std::move(sort_key)});
  }
  return copy;
}

CopyItem ReadItem(uint32_t part, Decoder& decoder) {
  switch (static_cast<ExportPart>(part)) {
    case ExportPart::kCounters: {
      PracticeCounters counters;
      counters.journal_last = decoder.Int64();
      counters.journal_trimmed = decoder.Int64();
      counters.audit_last = decoder.Int64();
      return counters;
    }
    case ExportPart::kRecords:
      return ReadRecordCopy(decoder);
    case ExportPart::kJournal:
      return ReadEntry<JournalEntry>(decoder);
    case ExportPart::kAudit:
      return ReadEntry<AuditEntry>(decoder);
    case ExportPart::kResults: {
      IdempotencyKey key;
      key.key = std::string(decoder.String());
      key.fingerprint = std::string(decoder.String());
      key.result = std::string(decoder.String());
      key.expire_time = FromStoredTime(decoder.Int64());
      return key;
    }
    case ExportPart::kLeases:
      break;
  }
  LeaseCopy lease;
  lease.name = std::string(decoder.String());
  lease.token = decoder.Int64();
  return lease;
}

// OpenSSL's own SHA-256 fails only without memory.
void OrDie(int result) {
  if (result != 1) {
    abort();
  }
}

}  // namespace

int64_t PracticeSummary::items() const {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

bool operator==(const PracticeSummary& a, const PracticeSummary& b) {
  return std::tie(a.practice, a.counts, a.digest) == std::tie(b.practice, b.counts, b.digest);
}

void AppendCopyItem(std::string& out, const CopyItem& item) {
  AppendVarint(out, static_cast<uint32_t>(item.index()));
  std::visit(ItemAppender{out}, item);
}

std::optional<CopyItem> ReadCopyItem(Decoder& decoder) {
  const uint32_t part = decoder.Varint();
  if (!decoder.ok() || part >= kExportParts) {
    return std::nullopt;
  }
  CopyItem item = ReadItem(part, decoder);
  if (!decoder.ok()) {
    return std::nullopt;
  }
  return item;
}

PracticeDigest::PracticeDigest(std::string practice, absl::Time keys_after)
    : keys_after_(keys_after), sha256_(EVP_MD_CTX_new()) {
  summary_.practice = std::move(practice);
  OrDie(EVP_DigestInit_ex(sha256_.get(), EVP_sha256(), nullptr));
}

void PracticeDigest::Add(const CopyItem& item) {
  if (const auto* key = std::get_if<IdempotencyKey>(&item);
      key != nullptr && key->expire_time <= keys_after_) {
    return;
  }
  ++summary_.counts[item.index()];
  bytes_.clear();
  AppendCopyItem(bytes_, item);
  OrDie(EVP_DigestUpdate(sha256_.get(), bytes_.data(), bytes_.size()));
}

PracticeSummary PracticeDigest::Finish() && {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  OrDie(EVP_DigestFinal_ex(sha256_.get(), digest.data(), nullptr));
  summary_.digest.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
  return std::move(summary_);
}

}  // namespace securebase::storage
