#include "services/platform/auth/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::auth {
namespace {

struct stat Stat(const std::string& path) {
  struct stat info = {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info;
}

TEST(WritePrivateFileTest, ANewFileIsItsOwnersAlone) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.PathOf("key");
  ASSERT_OK(WritePrivateFile(path, "secret"));
  EXPECT_EQ(Stat(path).st_mode & 0777, 0600U);
  EXPECT_EQ(ReadFile(path, Secrecy::kPrivate)->bytes, "secret");
}

TEST(WritePrivateFileTest, AFileThatIsThereKeepsItsModeAndOwner) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.PathOf("key");
  ASSERT_OK(WritePrivateFile(path, "old"));
  ASSERT_EQ(chmod(path.c_str(), 0440), 0);
  const bool root = geteuid() == 0;
  if (root) {  // only root can give files away
    ASSERT_EQ(chown(path.c_str(), 1234, 2345), 0);
  }
  ASSERT_OK(WritePrivateFile(path, "new"));
  EXPECT_EQ(Stat(path).st_mode & 0777, 0440U);
  EXPECT_EQ(Stat(path).st_uid, root ? 1234 : geteuid());
  EXPECT_EQ(Stat(path).st_gid, root ? 2345 : getegid());
  EXPECT_EQ(ReadFile(path, Secrecy::kPublic)->bytes, "new");
}

TEST(WritePrivateFileTest, ALinkLeadsToTheNewContents) {
  const testing::TemporaryFolder folder;
  const std::string target = folder.PathOf("target");
  const std::string link = folder.PathOf("link");
  ASSERT_OK(WritePrivateFile(target, "old"));
  ASSERT_EQ(symlink("target", link.c_str()), 0);
  ASSERT_OK(WritePrivateFile(link, "new"));
  struct stat info = {};
  ASSERT_EQ(lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  EXPECT_EQ(ReadFile(target, Secrecy::kPrivate)->bytes, "new");
}

}  // namespace
}  // namespace securebase::auth
