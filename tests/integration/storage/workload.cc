#include "tests/integration/storage/workload.h"

#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace securebase::storage {
namespace {

constexpr absl::string_view kPractice = "p1";
constexpr absl::string_view kNames[] = {"a", "b"};

RecordKey KeyOf(int thread, absl::string_view name) {
  return {"record", absl::StrCat("t", thread, name)};
}

// The number, and filling that makes some records span pages.
std::string ValueOf(int64_t number) {
  return absl::StrCat(number, "|", std::string(static_cast<size_t>(number * 397 % 9000), 'x'));
}

Batch BatchOf(int thread, int64_t number) {
  Batch batch;
  batch.practice = std::string(kPractice);
  for (const absl::string_view name : kNames) {
    const RecordKey key = KeyOf(thread, name);
    batch.expectations.push_back({key, number - 1});
    batch.puts.push_back({key, ValueOf(number), {{"by", absl::StrCat("t", thread, "/", number)}}});
  }
  batch.journal = {absl::StrCat(thread, ":", number)};
  batch.audit = batch.journal;
  return batch;
}

// The number in both records of a thread, 0 if there are none; sets `damage` if they differ.
int64_t NumberOf(Store& store, int thread, std::string& damage) {
  int64_t numbers[2] = {0, 0};
  for (int i = 0; i < 2; ++i) {
    const auto record = store.Get({}, kPractice, KeyOf(thread, kNames[i]));
    if (!record.ok()) {
      if (record.status().code() != absl::StatusCode::kNotFound) {
        damage = record.status().ToString();
      }
      continue;
    }
    const std::string text = record->value.substr(0, record->value.find('|'));
    if (!absl::SimpleAtoi(text, &numbers[i]) || record->value != ValueOf(numbers[i]) ||
        record->version != numbers[i]) {
      damage = absl::StrCat("a record of thread ", thread, " is not as it was written");
    }
  }
  if (numbers[0] != numbers[1]) {
    damage = absl::StrCat("thread ", thread, " has ", numbers[0], " and ", numbers[1]);
  }
  return numbers[0];
}

void CheckIndex(Store& store, int thread, int64_t number, std::string& damage) {
  ScanRequest request;
  request.practice = std::string(kPractice);
  request.index = "by";
  request.prefix = absl::StrCat("t", thread, "/");
  const auto page = store.Scan({}, request);
  const size_t expected = number == 0 ? 0 : 2;
  if (!page.ok() || page->rows.size() != expected) {
    damage = absl::StrCat("thread ", thread, " has ", page.ok() ? page->rows.size() : 0,
                          " index entries: ", page.status().ToString());
    return;
  }
  for (const ScanRow& row : page->rows) {
    if (row.sort_key != absl::StrCat("t", thread, "/", number)) {
      damage = absl::StrCat("thread ", thread, " is indexed as ", row.sort_key);
    }
  }
}

// A journal or audit entry "thread:number" must be the next of its thread.
void CheckEntry(const std::string& value, std::vector<int64_t>& next, std::string& damage) {
  const std::vector<std::string> parts = absl::StrSplit(value, ':');
  size_t thread = 0;
  int64_t number = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &thread) ||
      !absl::SimpleAtoi(parts[1], &number) || thread >= next.size() || number != ++next[thread]) {
    damage = absl::StrCat("a journal or audit entry is out of order: ", value);
  }
}

void CheckEntries(Store& store, const std::vector<int64_t>& numbers, std::string& damage) {
  std::vector<int64_t> journal(numbers.size());
  std::vector<int64_t> audit(numbers.size());
  int64_t sequence = 0;
  for (bool more = true; more && damage.empty();) {
    const auto page = store.Journal({}, kPractice, sequence, kMaxPageRows);
    if (!page.ok()) {
      damage = page.status().ToString();
      return;
    }
    for (const JournalEntry& entry : page->entries) {
      CheckEntry(entry.value, journal, damage);
      if (entry.sequence != ++sequence) {
        damage = "the journal has a gap";
      }
    }
    more = page->more;
  }
  for (int64_t after = 0; damage.empty();) {
    const auto entries = store.ListAudit({}, kPractice, after, kMaxPageRows);
    if (!entries.ok() || entries->empty()) {
      damage = entries.ok() ? "" : entries.status().ToString();
      break;
    }
    for (const AuditEntry& entry : *entries) {
      CheckEntry(entry.value, audit, damage);
    }
    after = entries->back().sequence;
  }
  if (damage.empty() && (journal != numbers || audit != numbers)) {
    damage = "journal, audit trail and records do not agree";
  }
}

}  // namespace

std::vector<WorkloadProgress> RunWorkload(Store& store, std::vector<WorkloadProgress> from,
                                          int64_t count,
                                          const std::function<void(int, int64_t)>& acknowledged) {
  from.resize(kWorkloadThreads);
  std::vector<std::thread> threads;
  threads.reserve(kWorkloadThreads);
  for (int thread = 0; thread < kWorkloadThreads; ++thread) {
    threads.emplace_back([&, thread] {
      WorkloadProgress& progress = from[static_cast<size_t>(thread)];
      const int64_t last = progress.acknowledged + count;
      while (progress.acknowledged < last) {
        progress.attempted = progress.acknowledged + 1;
        if (!store.Apply({}, BatchOf(thread, progress.attempted)).ok()) {
          return;
        }
        progress.acknowledged = progress.attempted;
        acknowledged(thread, progress.acknowledged);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return from;
}

WorkloadFindings CheckWorkload(Store& store, const std::vector<WorkloadProgress>& progress) {
  WorkloadFindings findings;
  for (size_t i = 0; i < progress.size(); ++i) {
    const int thread = static_cast<int>(i);
    const int64_t number = NumberOf(store, thread, findings.damage);
    findings.numbers.push_back(number);
    findings.lost += std::max<int64_t>(0, progress[i].acknowledged - number);
    if (number > progress[i].attempted) {
      findings.damage = absl::StrCat("thread ", thread, " has a number it never wrote");
    }
    CheckIndex(store, thread, number, findings.damage);
  }
  CheckEntries(store, findings.numbers, findings.damage);
  return findings;
}

}  // namespace securebase::storage
