#include "services/platform/storage/file_lock.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::TemporaryFolder;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;

TEST(FileLockTest, AnotherUsersFileIsNamedWithItsOwner) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("store.db.lock", "");
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  // To root nothing is unreadable.
  const bool root = geteuid() == 0;
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  if (root) {
    ASSERT_EQ(seteuid(kNobody), 0);
  }
  const auto lock = FileLock::Acquire(path);
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(lock.status().message()),
              HasSubstr("store.db.lock, which belongs to user "));
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("run as that user"));
}

}  // namespace
}  // namespace securebase::storage
