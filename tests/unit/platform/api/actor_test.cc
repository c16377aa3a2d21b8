#include "services/platform/api/actor.h"

#include "gtest/gtest.h"

namespace securebase::api {
namespace {

TEST(ActorTest, IsKindAndSubjectAndNeverThePatient) {
  Call call;
  call.principal.kind = auth::PrincipalKind::kParticipant;
  call.principal.subject = "anna";
  call.principal.patient = "ehr-7";
  const type::v1::Actor actor = ActorOf(call);
  EXPECT_EQ(actor.kind(), type::v1::PRINCIPAL_KIND_PARTICIPANT);
  EXPECT_EQ(actor.subject(), "anna");
  EXPECT_EQ(actor.SerializeAsString().find("ehr-7"), std::string::npos);
}

TEST(ActorTest, EveryKindHasItsOwn) {
  EXPECT_EQ(ToProto(auth::PrincipalKind::kSystem), type::v1::PRINCIPAL_KIND_SYSTEM);
  EXPECT_EQ(ToProto(auth::PrincipalKind::kStaff), type::v1::PRINCIPAL_KIND_STAFF);
  EXPECT_EQ(ToProto(auth::PrincipalKind::kParticipant), type::v1::PRINCIPAL_KIND_PARTICIPANT);
  EXPECT_EQ(ToProto(auth::PrincipalKind::kService), type::v1::PRINCIPAL_KIND_SERVICE);
}

}  // namespace
}  // namespace securebase::api
