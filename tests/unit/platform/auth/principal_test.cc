#include "services/platform/auth/principal.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/auth/scopes.h"

namespace securebase::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "user/Goal.rs" for {kUser, Goal, r} and {kUser, Goal, s}; the set's order.
std::string Text(const std::set<Grant>& grants) {
  std::string text;
  for (const Grant& grant : grants) {
    const char* const contexts[] = {"system", "user", "patient"};
    text += std::string(contexts[static_cast<int>(grant.context)]) + "/" + grant.resource + "." +
            grant.permission + " ";
  }
  return text;
}

TEST(ScopesTest, Version2) {
  EXPECT_EQ(Text(ParseScopes("system/Goal.rs", PrincipalKind::kSystem)),
            "system/Goal.r system/Goal.s ");
  EXPECT_EQ(Text(ParseScopes("user/*.cruds", PrincipalKind::kStaff)),
            "user/*.c user/*.d user/*.r user/*.s user/*.u ");
  EXPECT_EQ(Text(ParseScopes("patient/Goal.r", PrincipalKind::kParticipant)), "patient/Goal.r ");
}

TEST(ScopesTest, Version1) {
  EXPECT_EQ(Text(ParseScopes("user/Goal.read", PrincipalKind::kStaff)), "user/Goal.r user/Goal.s ");
  EXPECT_EQ(Text(ParseScopes("user/Goal.write", PrincipalKind::kStaff)),
            "user/Goal.c user/Goal.d user/Goal.u ");
  EXPECT_EQ(ParseScopes("user/Goal.*", PrincipalKind::kStaff),
            ParseScopes("user/Goal.cruds", PrincipalKind::kStaff));
}

TEST(ScopesTest, OnlyTheContextOfTheKindCounts) {
  constexpr absl::string_view kAll = "system/A.r user/B.r patient/C.r";
  EXPECT_EQ(Text(ParseScopes(kAll, PrincipalKind::kSystem)), "system/A.r ");
  EXPECT_EQ(Text(ParseScopes(kAll, PrincipalKind::kService)), "system/A.r ");
  EXPECT_EQ(Text(ParseScopes(kAll, PrincipalKind::kStaff)), "user/B.r ");
  EXPECT_EQ(Text(ParseScopes(kAll, PrincipalKind::kParticipant)), "patient/C.r ");
}

TEST(ScopesTest, WhatIsNotUnderstoodGrantsNothing) {
  for (const absl::string_view scope :
       {"", "openid", "fhirUser", "launch/patient", "user/Goal", "user/Goal.", "user/Goal.sr",
        "user/Goal.rr", "user/Goal.x", "user/Goal.r?status=active", "user/Goal.rs?_id=1.r",
        "user/.r", "user/Goal-1.r", "User/Goal.r", "user//Goal.r", "a.b/c", "/", "."}) {
    EXPECT_THAT(ParseScopes(scope, PrincipalKind::kStaff), IsEmpty()) << std::string(scope);
  }
}

TEST(ScopesTest, OneBadScopeDoesNotSpoilTheOthers) {
  EXPECT_EQ(Text(ParseScopes("openid  user/Goal.r user/Goal.zz", PrincipalKind::kStaff)),
            "user/Goal.r ");
}

TEST(PrincipalTest, HasScopeNeedsResourceAndPermission) {
  Principal principal;
  principal.kind = PrincipalKind::kStaff;
  principal.grants = ParseScopes("user/Goal.rs", principal.kind);
  EXPECT_TRUE(HasScope(principal, "Goal.r"));
  EXPECT_TRUE(HasScope(principal, "Goal.s"));
  EXPECT_FALSE(HasScope(principal, "Goal.u"));
  EXPECT_FALSE(HasScope(principal, "CarePlan.r"));
  EXPECT_FALSE(HasScope(principal, "Goal"));
  EXPECT_FALSE(HasScope(principal, "Goal.rs"));
  EXPECT_FALSE(HasScope(principal, ""));
  principal.grants = ParseScopes("user/*.r", principal.kind);
  EXPECT_TRUE(HasScope(principal, "CarePlan.r"));
  EXPECT_FALSE(HasScope(principal, "CarePlan.c"));
}

TEST(PrincipalTest, OnlyAMachineWithASystemScopeSeesThePractice) {
  Principal principal;
  principal.grants = {{ScopeContext::kSystem, "*", 'r'}};
  for (const auto& [kind, expected] :
       {std::pair(PrincipalKind::kSystem, true), std::pair(PrincipalKind::kService, true),
        std::pair(PrincipalKind::kStaff, false), std::pair(PrincipalKind::kParticipant, false)}) {
    principal.kind = kind;
    EXPECT_EQ(HasPracticeWideScope(principal, "Goal.r"), expected) << PrincipalKindName(kind);
  }
  principal.kind = PrincipalKind::kSystem;
  EXPECT_FALSE(HasPracticeWideScope(principal, "Goal.u"));
  principal.grants = {{ScopeContext::kUser, "*", 'r'}};
  EXPECT_FALSE(HasPracticeWideScope(principal, "Goal.r"));
}

TEST(PrincipalTest, FormatNeverShowsThePatient) {
  Principal principal;
  principal.kind = PrincipalKind::kParticipant;
  principal.subject = "sub-1";
  principal.patient = "PAT-SECRET";
  EXPECT_EQ(FormatPrincipal(principal), "participant:sub-1");
  principal.kind = PrincipalKind::kStaff;
  principal.subject = "dr-a";
  principal.via_service = "plans";
  EXPECT_EQ(FormatPrincipal(principal), "staff:dr-a via plans");
}

}  // namespace
}  // namespace securebase::auth
