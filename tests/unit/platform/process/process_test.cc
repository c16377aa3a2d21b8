#include "services/platform/process/process.h"

#include <unistd.h>

#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::process {
namespace {

TEST(ProcessTest, AStartThatCannotSucceedLeavesTheStoreAlone) {
  const testing::TemporaryFolder folder;
  config::ServerOptions options;
  options.store = "sqlite:" + folder.PathOf("notes.db");
  options.audit_directory = folder.path();
  options.tls = {folder.PathOf("none.crt"), folder.PathOf("none.key"), ""};
  const auto process = Process::Make("notes", {}, options);
  EXPECT_EQ(process.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(process.status().message()), ::testing::HasSubstr("none.crt"));
  EXPECT_NE(access(folder.PathOf("notes.db").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace securebase::process
