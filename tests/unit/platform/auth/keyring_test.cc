#include "services/platform/auth/keyring.h"

#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/id.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::auth {
namespace {

using ::securebase::testing::FakeClock;
using ::securebase::testing::TemporaryFolder;
using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view json) {
  return std::string(Keyring::Parse(json).status().message());
}

TEST(XaesTest, KnownAnswers) {
  // c2sp.org/XAES-256-GCM, test vectors: without and with the carry of the subkey.
  EXPECT_EQ(absl::BytesToHexString(internal::XaesSeal(
                std::string(32, '\x01'), "ABCDEFGHIJKLMNOPQRSTUVWX", "XAES-256-GCM", "")),
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
  EXPECT_EQ(
      absl::BytesToHexString(internal::XaesSeal(std::string(32, '\x03'), "ABCDEFGHIJKLMNOPQRSTUVWX",
                                                "XAES-256-GCM", "c2sp.org/XAES-256-GCM")),
      "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

TEST(KeyringTest, OpensWhatItSealed) {
  ASSERT_OK_AND_ASSIGN(const Keyring keyring, Keyring::Parse(GenerateKeyring(absl::Now())));
  for (const std::string& text :
       {std::string(), std::string("x"), std::string(100000, 'y'), RandomBytes(33)}) {
    ASSERT_OK_AND_ASSIGN(const std::string sealed, keyring.Seal(text, "page:p1"));
    EXPECT_EQ(sealed.size(), text.size() + Keyring::kOverhead);
    ASSERT_OK_AND_ASSIGN(const std::string opened, keyring.Open(sealed, "page:p1"));
    EXPECT_EQ(opened, text);
  }
}

TEST(KeyringTest, SealingTwiceGivesTwoTexts) {
  ASSERT_OK_AND_ASSIGN(const Keyring keyring, Keyring::Parse(GenerateKeyring(absl::Now())));
  EXPECT_NE(*keyring.Seal("text", ""), *keyring.Seal("text", ""));
}

TEST(KeyringTest, AnyChangedBitIsNoticed) {
  ASSERT_OK_AND_ASSIGN(const Keyring keyring, Keyring::Parse(GenerateKeyring(absl::Now())));
  ASSERT_OK_AND_ASSIGN(const std::string sealed, keyring.Seal("cursor", "aad"));
  for (size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    std::string changed = sealed;
    changed[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(keyring.Open(changed, "aad").ok()) << "bit " << bit;
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(keyring.Open(sealed.substr(0, size), "aad").ok()) << size;
  }
  EXPECT_FALSE(keyring.Open(sealed + "x", "aad").ok());
}

TEST(KeyringTest, OpeningNeedsTheSameAssociatedDataAndKey) {
  ASSERT_OK_AND_ASSIGN(const Keyring keyring, Keyring::Parse(GenerateKeyring(absl::Now())));
  ASSERT_OK_AND_ASSIGN(const Keyring other, Keyring::Parse(GenerateKeyring(absl::Now())));
  ASSERT_OK_AND_ASSIGN(const std::string sealed, keyring.Seal("cursor", "practice p1"));
  const absl::Status wrong_data = keyring.Open(sealed, "practice p2").status();
  const absl::Status wrong_key = other.Open(sealed, "practice p1").status();
  EXPECT_EQ(wrong_data.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(wrong_key, wrong_data);
}

TEST(KeyringTest, RotationKeepsOldTextsReadable) {
  const std::string first = GenerateKeyring(absl::Now());
  ASSERT_OK_AND_ASSIGN(const std::string second, RotateKeyring(first, 1, absl::Now()));
  ASSERT_OK_AND_ASSIGN(const std::string third, RotateKeyring(second, 1, absl::Now()));
  ASSERT_OK_AND_ASSIGN(const Keyring one, Keyring::Parse(first));
  ASSERT_OK_AND_ASSIGN(const Keyring two, Keyring::Parse(second));
  ASSERT_OK_AND_ASSIGN(const Keyring three, Keyring::Parse(third));
  EXPECT_EQ(two.active_id(), 2u);
  EXPECT_EQ(three.active_id(), 3u);
  const std::string sealed = *one.Seal("text", "");
  EXPECT_EQ(*two.Open(sealed, ""), "text");
  EXPECT_FALSE(three.Open(sealed, "").ok()) << "only one earlier key was to stay";
  EXPECT_EQ(*three.Open(*two.Seal("text", ""), ""), "text");
}

TEST(KeyringTest, DescribesItsKeysWithoutThem) {
  const absl::Time start = absl::FromUnixSeconds(1767258000);
  const std::string key = absl::Base64Escape(std::string(32, 'k'));
  const std::string old =
      absl::StrCat("{\"active\": 7, \"keys\": [{\"id\": 7, \"key\": \"", key, "\"}]}");
  ASSERT_OK_AND_ASSIGN(const std::string rotated, RotateKeyring(old, 5, start));
  ASSERT_OK_AND_ASSIGN(const std::string again, RotateKeyring(rotated, 5, start + absl::Hours(1)));
  ASSERT_OK_AND_ASSIGN(const auto keys, DescribeKeyring(again));
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_EQ(keys[0].id, 9u);
  EXPECT_TRUE(keys[0].active);
  EXPECT_EQ(keys[0].created, start + absl::Hours(1));
  EXPECT_EQ(keys[1].id, 8u);
  EXPECT_FALSE(keys[1].active);
  EXPECT_EQ(keys[1].created, start);
  EXPECT_EQ(keys[2].id, 7u);
  EXPECT_EQ(keys[2].created, std::nullopt);
}

TEST(KeyringTest, RefusesWhatIsNoKeyring) {
  const std::string key = absl::Base64Escape(std::string(32, 'k'));
  const auto ring = [](absl::string_view active, absl::string_view keys) {
    return absl::StrCat("{\"active\": ", active, ", \"keys\": [", keys, "]}");
  };
  const auto entry = [](absl::string_view id, absl::string_view value) {
    return absl::StrCat("{\"id\": ", id, ", \"key\": \"", value, "\"}");
  };
  EXPECT_OK(Keyring::Parse(ring("7", entry("7", key))));
  EXPECT_THAT(ErrorOf(""), HasSubstr("JSON object"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("not a keyring"));
  EXPECT_THAT(ErrorOf(ring("2", entry("7", key))), HasSubstr("lacks its active key, id 2"));
  EXPECT_THAT(ErrorOf(ring("7", entry("7", key) + "," + entry("7", key))),
              HasSubstr("two keys with id 7"));
  for (const absl::string_view id : {"0", "-1", "1.5", "4294967296", "\"7\"", "1e300"}) {
    EXPECT_THAT(ErrorOf(ring("7", entry(id, key))), HasSubstr("\"id\""));
  }
  EXPECT_THAT(ErrorOf(ring(
                  "7", absl::StrCat("{\"id\": 7, \"created\": \"soon\", \"key\": \"", key, "\"}"))),
              HasSubstr("\"created\""));
  const std::string short_key = absl::Base64Escape("SECRET");
  EXPECT_THAT(ErrorOf(ring("7", entry("7", short_key))), HasSubstr("32 bytes"));
  EXPECT_THAT(ErrorOf(ring("7", entry("7", short_key))), Not(HasSubstr(short_key)));
}

TEST(KeyringFileTest, FollowsTheFile) {
  const TemporaryFolder dir;
  FakeClock clock;
  const std::string path = dir.PathOf("keyring.json");
  const std::string first = GenerateKeyring(absl::Now());
  ASSERT_OK(WritePrivateFile(path, first));
  ASSERT_OK_AND_ASSIGN(const auto file, OpenKeyringFile(path, clock, nullptr));
  const std::string sealed = *file->Current()->Seal("text", "");
  ASSERT_OK(WritePrivateFile(path, *RotateKeyring(first, 3, absl::Now())));
  clock.Advance(KeyringFile::kInterval);
  EXPECT_EQ(file->Current()->active_id(), 2u);
  EXPECT_EQ(*file->Current()->Open(sealed, ""), "text");
}

TEST(KeyringFileTest, RefusesAFileThatOthersMayRead) {
  const TemporaryFolder dir;
  const FakeClock clock;
  const std::string path = dir.PathOf("keyring.json");
  ASSERT_OK(WritePrivateFile(path, GenerateKeyring(absl::Now())));
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_OK(OpenKeyringFile(path, clock, nullptr));
  for (const mode_t mode : {0640, 0604, 0620, 0660, 0644, 0777}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_THAT(std::string(OpenKeyringFile(path, clock, nullptr).status().message()),
                HasSubstr("holds a secret but has mode 0"))
        << mode;
  }
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  EXPECT_OK(OpenKeyringFile(path, clock, nullptr));
}

TEST(FileTest, RefusesWhatIsNoRegularFileAndWhatIsTooLarge) {
  const TemporaryFolder dir;
  EXPECT_THAT(std::string(ReadFile(dir.path(), Secrecy::kPublic).status().message()),
              HasSubstr("not a regular file"));
  const std::string fifo = dir.PathOf("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(std::string(ReadFile(fifo, Secrecy::kPublic).status().message()),
              HasSubstr("not a regular file"));
  const std::string large = dir.Write("large", std::string((1 << 20) + 1, 'x'));
  EXPECT_THAT(std::string(ReadFile(large, Secrecy::kPublic).status().message()),
              HasSubstr("larger than 1 MiB"));
}

TEST(FileTest, WritingReplacesTheWholeFileOrNothing) {
  const TemporaryFolder dir;
  const std::string path = dir.PathOf("f");
  ASSERT_OK(WritePrivateFile(path, "a longer text"));
  ASSERT_OK(WritePrivateFile(path, "short"));
  EXPECT_EQ(ReadFile(path, Secrecy::kPrivate)->bytes, "short");
  EXPECT_FALSE(WritePrivateFile(dir.PathOf("no/such/dir"), "x").ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1)
      << "a temporary file is left";
}

}  // namespace
}  // namespace securebase::auth
