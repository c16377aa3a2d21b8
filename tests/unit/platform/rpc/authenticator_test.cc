#include "services/platform/rpc/authenticator.h"

#include <string>

#include "services/platform/api/acting_for.h"
#include "services/platform/auth/scopes.h"
#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"

namespace securebase::rpc {
namespace {

using ::securebase::auth::Principal;
using ::securebase::auth::PrincipalKind;
using ::securebase::testing::IsError;

Principal Staff() {
  Principal principal;
  principal.practice = "p1";
  principal.kind = PrincipalKind::kStaff;
  principal.subject = "dr-a";
  principal.grants = auth::ParseScopes("user/Goal.rs user/Note.cruds", PrincipalKind::kStaff);
  return principal;
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest()
      : authenticator_(
            [](absl::string_view token) -> absl::StatusOr<Principal> {
              if (token == "good") {
                return Staff();
              }
              return MakeError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid, "bad");
            },
            {{"spiffe://example.org/plans", "plans"}}) {}

  static Credentials ActingAs(const Principal& principal, const std::string& certificate_name) {
    Credentials credentials;
    credentials.has_acting_for = true;
    credentials.acting_for = api::ToActingFor(principal).SerializeAsString();
    credentials.certificate_names = {"plans.example.org", certificate_name};
    return credentials;
  }

  Authenticator authenticator_;
};

TEST_F(AuthenticatorTest, ATokenIsVerified) {
  Credentials credentials;
  EXPECT_THAT(authenticator_.Authenticate(credentials),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
  credentials.has_authorization = true;
  credentials.authorization = "Bearer bad";
  EXPECT_THAT(authenticator_.Authenticate(credentials),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
  credentials.authorization = "Basic good";
  EXPECT_THAT(authenticator_.Authenticate(credentials),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
  credentials.authorization = "Bearer good";
  ASSERT_OK_AND_ASSIGN(const Principal principal, authenticator_.Authenticate(credentials));
  EXPECT_EQ(principal.subject, "dr-a");
  EXPECT_EQ(principal.via_service, "");
}

TEST_F(AuthenticatorTest, AServiceActsForWhomItSays) {
  ASSERT_OK_AND_ASSIGN(const Principal principal, authenticator_.Authenticate(ActingAs(
                                                      Staff(), "spiffe://example.org/plans")));
  EXPECT_EQ(principal.practice, "p1");
  EXPECT_EQ(principal.kind, PrincipalKind::kStaff);
  EXPECT_EQ(principal.subject, "dr-a");
  EXPECT_EQ(principal.grants, Staff().grants);
  EXPECT_EQ(principal.via_service, "plans");
}

TEST_F(AuthenticatorTest, NobodyElseMayActForAnother) {
  EXPECT_THAT(authenticator_.Authenticate(ActingAs(Staff(), "spiffe://example.org/other")),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
  Credentials no_certificate = ActingAs(Staff(), "");
  no_certificate.certificate_names.clear();
  EXPECT_THAT(authenticator_.Authenticate(no_certificate),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
}

TEST_F(AuthenticatorTest, BothAtOnceIsRefused) {
  Credentials both = ActingAs(Staff(), "spiffe://example.org/plans");
  both.has_authorization = true;
  both.authorization = "Bearer good";
  EXPECT_THAT(authenticator_.Authenticate(both),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
}

TEST_F(AuthenticatorTest, OneHeaderTwiceIsRefused) {
  Credentials credentials;
  credentials.ambiguous = true;
  credentials.has_authorization = true;
  credentials.authorization = "Bearer good";
  EXPECT_THAT(authenticator_.Authenticate(credentials),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
}

TEST_F(AuthenticatorTest, AnIncompletePrincipalIsRefused) {
  Principal no_practice = Staff();
  no_practice.practice = "not an id";
  Principal no_subject = Staff();
  no_subject.subject = "";
  Principal no_patient = Staff();
  no_patient.kind = PrincipalKind::kParticipant;
  for (const Principal& principal : {no_practice, no_subject, no_patient}) {
    EXPECT_THAT(authenticator_.Authenticate(ActingAs(principal, "spiffe://example.org/plans")),
                IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
  }
  Credentials damaged = ActingAs(Staff(), "spiffe://example.org/plans");
  damaged.acting_for = "\xff\xff";
  EXPECT_THAT(authenticator_.Authenticate(damaged),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
}

TEST(ActingForTest, EveryKindSurvivesTheWay) {
  for (const PrincipalKind kind : {PrincipalKind::kSystem, PrincipalKind::kStaff,
                                   PrincipalKind::kParticipant, PrincipalKind::kService}) {
    Principal sent = Staff();
    sent.kind = kind;
    sent.patient = "ehr-7";
    sent.grants = auth::ParseScopes("system/*.rs user/Goal.cu patient/Note.r", kind);
    ASSERT_OK_AND_ASSIGN(const Principal received,
                         api::FromActingFor(api::ToActingFor(sent), "goals"));
    EXPECT_EQ(received.kind, kind);
    EXPECT_EQ(received.patient, "ehr-7");
    EXPECT_EQ(received.grants, sent.grants);
    EXPECT_FALSE(received.grants.empty());
  }
}

}  // namespace
}  // namespace securebase::rpc
