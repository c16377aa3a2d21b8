#include "services/platform/api/page_token.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/api/fingerprint.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/error.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::api {
namespace {

using ::securebase::testing::FakeClock;
using ::securebase::testing::IsError;
using ::securebase::testing::v1::ListNotesRequest;
using ::securebase::testing::v1::Note;
using ::testing::Not;

class PageTokenTest : public ::testing::Test {
 protected:
  PageTokenTest() {
    const std::string path = ::testing::TempDir() + "/page-token-keyring.json";
    EXPECT_OK(auth::WritePrivateFile(path, auth::GenerateKeyring(absl::Now())));
    auto file = auth::OpenKeyringFile(path, clock_, nullptr);
    EXPECT_OK(file);
    keyring_ = *std::move(file);
    tokens_ = std::make_unique<PageTokens>(*keyring_);
    call_.principal.practice = "p1";
    call_.principal.kind = auth::PrincipalKind::kStaff;
    call_.principal.subject = "dr-a";
    call_.method = "/securebase.testing.v1.NotesService/ListNotes";
    call_.time = clock_.Now();
    request_.set_parent("practices/p1");
    request_.set_colour(testing::v1::COLOUR_RED);
  }

  std::string Token() {
    auto token = tokens_->Make(call_, request_, "cursor 7");
    EXPECT_OK(token);
    return *token;
  }

  void ExpectRefused(const Call& call, const ListNotesRequest& request, const std::string& token) {
    EXPECT_THAT(tokens_->Open(call, request, token),
                IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidPageToken));
  }

  FakeClock clock_;
  std::unique_ptr<auth::KeyringFile> keyring_;
  std::unique_ptr<PageTokens> tokens_;
  Call call_;
  ListNotesRequest request_;
};

TEST_F(PageTokenTest, ReturnsItsCursorWhateverThePageSize) {
  const std::string token = Token();
  request_.set_page_token(token);
  request_.set_page_size(7);
  ASSERT_OK_AND_ASSIGN(const std::string cursor, tokens_->Open(call_, request_, token));
  EXPECT_EQ(cursor, "cursor 7");
}

TEST_F(PageTokenTest, NoTokenIsTheFirstPage) {
  ASSERT_OK_AND_ASSIGN(const std::string cursor, tokens_->Open(call_, request_, ""));
  EXPECT_EQ(cursor, "");
}

TEST_F(PageTokenTest, HidesItsCursor) {
  EXPECT_THAT(Token(), Not(::testing::HasSubstr("cursor")));
  EXPECT_NE(Token(), Token());
}

TEST_F(PageTokenTest, IsBoundToFilterPrincipalPracticeAndMethod) {
  const std::string token = Token();
  ListNotesRequest other_filter = request_;
  other_filter.set_colour(testing::v1::COLOUR_BLUE);
  ExpectRefused(call_, other_filter, token);
  Call call = call_;
  call.principal.subject = "dr-b";
  ExpectRefused(call, request_, token);
  call = call_;
  call.principal.kind = auth::PrincipalKind::kParticipant;
  ExpectRefused(call, request_, token);
  call = call_;
  call.principal.practice = "p2";
  ExpectRefused(call, request_, token);
  call = call_;
  call.method += "2";
  ExpectRefused(call, request_, token);
}

TEST_F(PageTokenTest, ExpiresAfterThreeDays) {
  const std::string token = Token();
  Call later = call_;
  later.time += absl::Hours(72) - absl::Seconds(1);
  EXPECT_OK(tokens_->Open(later, request_, token));
  later.time += absl::Seconds(1);
  ExpectRefused(later, request_, token);
}

TEST_F(PageTokenTest, EveryDamageIsNoticed) {
  const std::string token = Token();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string damaged = token;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    ExpectRefused(call_, request_, damaged);
    ExpectRefused(call_, request_, token.substr(0, i == 0 ? 1 : i));
  }
  ExpectRefused(call_, request_, "not base64 !");
}

// The last character of a base64 text may have bits that stand for nothing.
TEST_F(PageTokenTest, OneTextAloneOpensAPage) {
  constexpr absl::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (const absl::string_view cursor : {"cursor 7", "cursor 77", "cursor 777"}) {
    ASSERT_OK_AND_ASSIGN(const std::string token, tokens_->Make(call_, request_, cursor));
    for (const char digit : kDigits) {
      std::string other = token;
      other.back() = digit;
      if (other != token) {
        ExpectRefused(call_, request_, other);
      }
    }
    ExpectRefused(call_, request_, token + "=");
    ExpectRefused(call_, request_, token + " ");
  }
}

TEST(FingerprintTest, IgnoresWhatIsNotTheQuestion) {
  ListNotesRequest a;
  a.set_parent("practices/p1");
  ListNotesRequest b = a;
  b.set_page_size(5);
  b.set_page_token("x");
  EXPECT_EQ(Fingerprint(a), Fingerprint(b));
  b.set_parent("practices/p2");
  EXPECT_NE(Fingerprint(a), Fingerprint(b));
  testing::v1::CreateNoteRequest c;
  testing::v1::CreateNoteRequest d;
  d.set_request_id("r1");
  EXPECT_EQ(Fingerprint(c), Fingerprint(d));
  EXPECT_EQ(Fingerprint(c).size(), 32U);
}

TEST(FingerprintTest, DiffersByTypeAndNotByTheOrderOfAMap) {
  testing::v1::GetNoteRequest get;
  get.set_name("practices/p1/notes/n1");
  testing::v1::DeleteNoteRequest remove;
  remove.set_name("practices/p1/notes/n1");
  EXPECT_NE(Fingerprint(get), Fingerprint(remove));
  Note a;
  Note b;
  for (int i = 0; i < 50; ++i) {
    (*a.mutable_by_key())[absl::StrCat(i)].set_value(i);
    (*b.mutable_by_key())[absl::StrCat(49 - i)].set_value(49 - i);
  }
  EXPECT_EQ(Fingerprint(a), Fingerprint(b));
}

}  // namespace
}  // namespace securebase::api
