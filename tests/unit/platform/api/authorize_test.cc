#include "services/platform/api/authorize.h"

#include <string>

#include "services/platform/auth/scopes.h"
#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"

namespace securebase::api {
namespace {

using ::securebase::auth::Principal;
using ::securebase::auth::PrincipalKind;
using ::securebase::testing::IsError;
using ::testing::ElementsAre;
using ::testing::Pair;

Principal Caller(PrincipalKind kind, const std::string& scopes) {
  Principal principal;
  principal.practice = "p1";
  principal.kind = kind;
  principal.subject = "somebody";
  principal.grants = auth::ParseScopes(scopes, kind);
  return principal;
}

MethodPolicy Policy() {
  MethodPolicy policy;
  policy.name = "GetNote";
  policy.scopes = {"Note.r", "Note.s"};
  return policy;
}

TEST(AuthorizeTest, OneOfTheScopesIsEnough) {
  EXPECT_OK(Authorize(Caller(PrincipalKind::kStaff, "user/Note.s"), Policy()));
  EXPECT_OK(Authorize(Caller(PrincipalKind::kSystem, "system/*.r"), Policy()));
}

TEST(AuthorizeTest, WithoutAScopeTheErrorSaysWhichWouldDo) {
  const absl::Status status = Authorize(Caller(PrincipalKind::kStaff, "user/Note.u"), Policy());
  EXPECT_THAT(status, IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing));
  EXPECT_THAT(MetadataOf(status), ElementsAre(Pair("needed", "Note.r Note.s")));
  EXPECT_EQ(status.message(),
            "the token grants none of the scopes that GetNote needs: Note.r Note.s; ask for one at "
            "the issuer");
}

TEST(AuthorizeTest, ParticipantsNeedThePolicysLeave) {
  const Principal participant = Caller(PrincipalKind::kParticipant, "patient/Note.r");
  MethodPolicy policy = Policy();
  EXPECT_THAT(Authorize(participant, policy),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  policy.participants = true;
  EXPECT_OK(Authorize(participant, policy));
}

TEST(AuthorizeTest, APracticeWideMethodIsForSystemScopes) {
  MethodPolicy policy = Policy();
  policy.practice_wide = true;
  EXPECT_OK(Authorize(Caller(PrincipalKind::kSystem, "system/Note.s"), policy));
  EXPECT_OK(Authorize(Caller(PrincipalKind::kService, "system/Note.s"), policy));
  EXPECT_THAT(Authorize(Caller(PrincipalKind::kStaff, "user/Note.s"), policy),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
  const absl::Status missing = Authorize(Caller(PrincipalKind::kSystem, "system/Goal.s"), policy);
  EXPECT_THAT(missing, IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing));
  EXPECT_THAT(MetadataOf(missing), ElementsAre(Pair("needed", "system/Note.r system/Note.s")));
}

}  // namespace
}  // namespace securebase::api
