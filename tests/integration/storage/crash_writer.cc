// Writes the workload to the store at argv[1] until it is killed, and prints "thread number" for
// each batch that was acknowledged.

#include <unistd.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "services/platform/storage/sqlite_store.h"
#include "tests/integration/storage/workload.h"

int main(int argc, char** argv) {
  using namespace securebase;  // NOLINT(build/namespaces)
  if (argc != 2) {
    fprintf(stderr, "usage: %s DATABASE\n", argv[0]);
    return 2;
  }
  const SystemClock clock;
  storage::SqliteOptions options;
  options.path = argv[1];
  options.writer.checkpoint_pages = 500;
  options.writer.idle_checkpoint_pages = 100;
  const auto store = storage::MakeSqliteStore(options, clock);
  if (!store.ok()) {
    fprintf(stderr, "%s\n", std::string(store.status().message()).c_str());
    return 1;
  }
  storage::RunWorkload(**store, {}, INT64_MAX, [](int thread, int64_t number) {
    // One write: a line in a pipe is whole or absent.
    const std::string line = absl::StrCat(thread, " ", number, "\n");
    if (write(STDOUT_FILENO, line.data(), line.size()) < 0) {
      _exit(3);
    }
  });
  return 4;  // it should have been killed
}
