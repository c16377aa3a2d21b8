#include "services/platform/auth/followed_tls_files.h"

#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "services/platform/auth/dev_pki.h"
#include "services/platform/base/mutex.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class FollowedTlsFilesTest : public ::testing::Test {
 protected:
  FollowedTlsFilesTest() {
    files_ = Issue();
    auto followed = FollowedTlsFiles::Open(files_, Secrecy::kPrivate, [this](const auto& status) {
      MutexLock lock(mutex_);
      reports_.push_back(status);
    });
    EXPECT_OK(followed);
    followed_ = *std::move(followed);
  }

  TlsFiles Issue() {
    return WriteDevPki(folder_.path(), {"ehr"}, absl::Now(), absl::Hours(24))->server;
  }

  static std::string Read(const std::string& path) {
    return ReadFile(path, Secrecy::kPublic)->bytes;
  }

  void ExpectInUse(const std::string& key, const std::string& certificate) {
    EXPECT_EQ(Read(followed_->good().key), key);
    EXPECT_EQ(Read(followed_->good().certificate), certificate);
  }

  std::vector<absl::Status> reports() {
    MutexLock lock(mutex_);
    return reports_;
  }

  testing::TemporaryFolder folder_;
  TlsFiles files_;
  Mutex mutex_;
  std::vector<absl::Status> reports_;
  std::unique_ptr<FollowedTlsFiles> followed_;
};

TEST_F(FollowedTlsFilesTest, HandsOnWhatIsWhole) {
  ExpectInUse(Read(files_.key), Read(files_.certificate));
  EXPECT_EQ(Read(followed_->good().ca), Read(files_.ca));
  struct stat info = {};
  ASSERT_EQ(stat(followed_->good().key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0077, 0U);
  const TlsFiles before = followed_->good();
  Issue();
  followed_->Look();
  ExpectInUse(Read(files_.key), Read(files_.certificate));
  EXPECT_EQ(followed_->good().key, before.key) << "gRPC follows that path";
  EXPECT_OK(reports().back());
  const size_t reported = reports().size();
  followed_->Look();
  EXPECT_THAT(reports(), SizeIs(reported)) << "nothing changed";
}

TEST_F(FollowedTlsFilesTest, AnEmptyDamagedOrAbsentFileChangesNothing) {
  const std::string key = Read(files_.key);
  const std::string certificate = Read(files_.certificate);
  for (const char* name : {"server.key", "server.crt", "ca.crt"}) {
    const std::string whole = Read(folder_.PathOf(name));
    for (const char* damage : {"", "garbage"}) {
      folder_.Write(name, damage);
      followed_->Look();
      ExpectInUse(key, certificate);
      EXPECT_EQ(reports().back().code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(reports().back().message()), HasSubstr(folder_.PathOf(name)));
      EXPECT_THAT(std::string(reports().back().message()), Not(HasSubstr("/proc/")));
    }
    ASSERT_EQ(remove(folder_.PathOf(name).c_str()), 0);
    followed_->Look();
    ExpectInUse(key, certificate);
    EXPECT_FALSE(reports().back().ok());
    folder_.Write(name, whole);
    ASSERT_EQ(chmod(files_.key.c_str(), 0644), 0);
    followed_->Look();
    EXPECT_THAT(std::string(reports().back().message()), HasSubstr("0644"));
    const size_t before = reports().size();
    followed_->Look();
    EXPECT_THAT(reports(), SizeIs(before)) << "said once";
    ASSERT_EQ(chmod(files_.key.c_str(), 0600), 0);
    followed_->Look();
    EXPECT_OK(reports().back()) << name;
  }
}

TEST_F(FollowedTlsFilesTest, ACertificateWaitsForItsKey) {
  const std::string key = Read(files_.key);
  const std::string certificate = Read(files_.certificate);
  Issue();
  const std::string new_key = Read(files_.key);
  folder_.Write("server.key", key);
  followed_->Look();
  ExpectInUse(key, certificate);
  EXPECT_THAT(std::string(reports().back().message()), HasSubstr("does not belong"));
  folder_.Write("server.key", new_key);
  followed_->Look();
  ExpectInUse(new_key, Read(files_.certificate));
}

TEST(FollowedTlsFilesOpenTest, EveryProblemIsNamedAtOnce) {
  const auto followed =
      FollowedTlsFiles::Open({"/nowhere/a.crt", "/nowhere/a.key", ""}, Secrecy::kPrivate, nullptr);
  EXPECT_EQ(followed.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(followed.status().message()), HasSubstr("/nowhere/a.crt"));
  EXPECT_THAT(std::string(followed.status().message()), HasSubstr("/nowhere/a.key"));
}

}  // namespace
}  // namespace securebase::auth
