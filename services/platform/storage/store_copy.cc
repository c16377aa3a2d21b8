#include "services/platform/storage/store_copy.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/error.h"
#include "services/platform/base/interrupt.h"
#include "services/platform/base/status_macros.h"

namespace securebase::storage {
namespace {

constexpr int kPageItems = kMaxPageRows;
constexpr int kAttempts = 5;  // at a practice that is written to while it is read

// Longer than any page takes, so that a server which does not answer ends the copy.
Context CallContext() {
  Context context;
  context.deadline = absl::Now() + absl::Minutes(1);
  return context;
}

using ListNames = absl::StatusOr<std::vector<std::string>> (Store::*)(const Context&,
                                                                      absl::string_view, int);

absl::StatusOr<std::vector<std::string>> AllNames(Store& store, ListNames list) {
  std::vector<std::string> all;
  while (true) {
    SB_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                        (store.*list)(CallContext(), all.empty() ? "" : all.back(), kMaxPageRows));
    if (names.empty()) {
      return all;
    }
    all.insert(all.end(), names.begin(), names.end());
  }
}

absl::Status CheckNoImports(Store& store) {
  SB_ASSIGN_OR_RETURN(const std::vector<std::string> imports, AllNames(store, &Store::ListImports));
  if (imports.empty()) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed,
                   absl::StrCat("the store holds an unfinished restore (practice ", imports.front(),
                                "); run that restore again first"));
}

// Reads a practice as it is at one moment. `begin` is called before the first page and again
// whenever the practice changed between pages and everything starts anew.
absl::Status ReadPractice(Store& store, const std::string& practice,
                          const std::function<absl::Status()>& begin,
                          const std::function<absl::Status(const std::vector<CopyItem>&)>& add) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SB_RETURN_IF_ERROR(begin());
    std::string cursor;
    std::string mark;
    bool changed = false;
    do {
      SB_RETURN_IF_ERROR(CheckInterrupted());
      SB_ASSIGN_OR_RETURN(const ExportPage page,
                          store.Export(CallContext(), practice, cursor, kPageItems));
      changed = !mark.empty() && page.mark != mark;
      if (changed) {
        break;
      }
      mark = page.mark;
      cursor = page.cursor;
      if (!page.items.empty()) {
        SB_RETURN_IF_ERROR(add(page.items));
      }
    } while (!cursor.empty());
    if (!changed) {
      return absl::OkStatus();
    }
  }
  return MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                   absl::StrCat("practice ", practice,
                                " changes faster than it can be read; stop the services that use "
                                "this store, then run it again"));
}

void Tell(const OnCopyProgress& on_progress, const std::string& practice, int64_t items) {
  if (on_progress) {
    on_progress(practice, items);
  }
}

absl::StatusOr<PracticeSummary> SummarizePractice(Store& store, const std::string& practice,
                                                  absl::Time keys_after,
                                                  const OnCopyProgress& on_progress) {
  std::optional<PracticeDigest> digest;
  int64_t items = 0;
  SB_RETURN_IF_ERROR(ReadPractice(
      store, practice,
      [&] {
        digest.emplace(practice, keys_after);
        items = 0;
        return absl::OkStatus();
      },
      [&](const std::vector<CopyItem>& page) {
        for (const CopyItem& item : page) {
          digest->Add(item);
        }
        items += static_cast<int64_t>(page.size());
        Tell(on_progress, practice, items);
        return absl::OkStatus();
      }));
  return std::move(*digest).Finish();
}

absl::Status NotTheBackups(const std::string& practice) {
  return MakeError(
      absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists,
      absl::StrCat(
          "the store is not empty: it holds practice ", practice,
          ", and not as the backup has it; nothing was written, restore to an empty store"));
}

// Which practices the store has already as the backup has them.
absl::StatusOr<std::set<std::string>> FindRestored(Store& store, const BackupContents& backup,
                                                   absl::Time keys_after) {
  std::map<std::string, const PracticeSummary*> expected;
  for (const PracticeSummary& practice : backup.practices) {
    expected[practice.practice] = &practice;
  }
  SB_ASSIGN_OR_RETURN(const std::vector<std::string> imports, AllNames(store, &Store::ListImports));
  for (const std::string& practice : imports) {
    if (expected.count(practice) == 0) {
      return NotTheBackups(practice);
    }
  }
  SB_ASSIGN_OR_RETURN(const std::vector<std::string> live, AllNames(store, &Store::ListPractices));
  std::set<std::string> restored;
  for (const std::string& practice : live) {
    const auto it = expected.find(practice);
    if (it == expected.end()) {
      return NotTheBackups(practice);
    }
    SB_ASSIGN_OR_RETURN(const PracticeSummary summary,
                        SummarizePractice(store, practice, keys_after, nullptr));
    if (!(summary == *it->second)) {
      return NotTheBackups(practice);
    }
    restored.insert(practice);
  }
  return restored;
}

}  // namespace

absl::StatusOr<BackupContents> BackUpStore(Store& store, const std::string& path,
                                           const BackupInfo& info,
                                           const OnCopyProgress& on_progress) {
  SB_ASSIGN_OR_RETURN(const std::unique_ptr<BackupWriter> writer, BackupWriter::Create(path, info));
  SB_RETURN_IF_ERROR(CheckNoImports(store));
  SB_ASSIGN_OR_RETURN(const std::vector<std::string> practices,
                      AllNames(store, &Store::ListPractices));
  for (const std::string& practice : practices) {
    int64_t items = 0;
    SB_RETURN_IF_ERROR(ReadPractice(
        store, practice,
        [&] {
          items = 0;
          return writer->BeginPractice(practice);
        },
        [&](const std::vector<CopyItem>& page) {
          items += static_cast<int64_t>(page.size());
          Tell(on_progress, practice, items);
          return writer->Add(page);
        }));
    SB_RETURN_IF_ERROR(writer->EndPractice());
  }
  return writer->Finish();
}

absl::StatusOr<RestoreResult> RestoreBackup(const std::string& path, Store& store,
                                            const Clock& clock, const OnCopyProgress& on_progress) {
  return RestoreBackup(
      path, [&]() -> absl::StatusOr<Store*> { return &store; }, clock, on_progress);
}

absl::StatusOr<RestoreResult> RestoreBackup(const std::string& path, const OpenTarget& open,
                                            const Clock& clock, const OnCopyProgress& on_progress) {
  const absl::Time keys_after = clock.Now() + kComparedKeysLife;
  RestoreResult result;
  SB_ASSIGN_OR_RETURN(result.backup, ReadBackup(path, keys_after, nullptr));
  SB_ASSIGN_OR_RETURN(Store* const target, open());
  Store& store = *target;
  SB_ASSIGN_OR_RETURN(const std::set<std::string> restored,
                      FindRestored(store, result.backup, keys_after));

  std::string current;
  int64_t items = 0;
  SB_RETURN_IF_ERROR(
      ReadBackup(path, keys_after,
                 [&](const std::string& practice, const std::vector<CopyItem>& page) {
                   if (restored.count(practice) != 0) {
                     return absl::OkStatus();
                   }
                   items = practice == current ? items : 0;
                   current = practice;
                   items += static_cast<int64_t>(page.size());
                   Tell(on_progress, practice, items);
                   return store.Import(CallContext(), practice, page);
                 })
          .status());

  for (const PracticeSummary& practice : result.backup.practices) {
    if (restored.count(practice.practice) != 0) {
      ++result.kept;
      continue;
    }
    SB_ASSIGN_OR_RETURN(const PracticeSummary written,
                        SummarizePractice(store, practice.practice, keys_after, nullptr));
    if (!(written == practice)) {
      return MakeError(
          absl::StatusCode::kDataLoss, Reason::kDataLoss,
          absl::StrCat("practice ", practice.practice,
                       " is not in the store as the backup has it, and nothing is served from it; "
                       "empty the store (another restore may have left something), then restore "
                       "again"));
    }
    ++result.restored;
  }
  for (const PracticeSummary& practice : result.backup.practices) {
    SB_RETURN_IF_ERROR(store.FinishImport(CallContext(), practice.practice));
  }
  return result;
}

absl::StatusOr<std::vector<PracticeSummary>> SummarizeStore(Store& store, absl::Time keys_after,
                                                            const OnCopyProgress& on_progress) {
  SB_RETURN_IF_ERROR(CheckNoImports(store));
  SB_ASSIGN_OR_RETURN(const std::vector<std::string> practices,
                      AllNames(store, &Store::ListPractices));
  std::vector<PracticeSummary> summaries;
  for (const std::string& practice : practices) {
    SB_ASSIGN_OR_RETURN(summaries.emplace_back(),
                        SummarizePractice(store, practice, keys_after, on_progress));
  }
  return summaries;
}

std::vector<SummaryPair> PairSummaries(const std::vector<PracticeSummary>& left,
                                       const std::vector<PracticeSummary>& right) {
  std::map<std::string, SummaryPair> pairs;
  for (const PracticeSummary& summary : left) {
    pairs[summary.practice].left = summary;
  }
  for (const PracticeSummary& summary : right) {
    pairs[summary.practice].right = summary;
  }
  std::vector<SummaryPair> all;
  all.reserve(pairs.size());
  for (auto& [practice, pair] : pairs) {
    all.push_back(std::move(pair));
  }
  return all;
}

}  // namespace securebase::storage
