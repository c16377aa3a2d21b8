#include "clients/cpp/access_client.h"

#include <string>

#include "securebase/episodes/v1/episodes_service.pb.h"
#include "services/platform/api/timestamp.h"
#include "services/platform/base/error.h"
#include "tests/testing/fake_client.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"

namespace securebase::client {
namespace {

using episodes::v1::GetAccessViewRequest;
using ::securebase::testing::FakeClient;
using ::securebase::testing::FakeClock;
using ::securebase::testing::IsError;
using ::testing::SizeIs;
using type::v1::AccessView;

constexpr char kMethod[] = "/securebase.episodes.v1.EpisodesService/GetAccessView";

class AccessClientTest : public ::testing::Test {
 protected:
  AccessClientTest() {
    client_.On<GetAccessViewRequest, AccessView>(
        kMethod, [this](const GetAccessViewRequest& request) -> absl::StatusOr<AccessView> {
          EXPECT_EQ(request.parent(), "practices/p1");
          return answer_;
        });
    AccessView view;
    view.add_episodes()->set_episode("e1");
    answer_ = view;
  }

  api::Call Call(auth::PrincipalKind kind, const std::string& subject,
                 const std::string& call_id = "c1") {
    api::Call call;
    call.principal.practice = "p1";
    call.principal.kind = kind;
    call.principal.subject = subject;
    call.principal.patient = kind == auth::PrincipalKind::kParticipant ? "patient-7" : "";
    call.call_id = call_id;
    call.traceparent = "00-trace";
    call.deadline = absl::Now() + absl::Seconds(30);
    return call;
  }

  FakeClient client_;
  FakeClock clock_;
  absl::StatusOr<AccessView> answer_;
  AccessClient access_{client_, clock_};
};

TEST_F(AccessClientTest, AsksOnBehalfOfThePrincipal) {
  ASSERT_OK_AND_ASSIGN(const auto view,
                       access_.ViewFor(Call(auth::PrincipalKind::kParticipant, "anna")));
  EXPECT_EQ(view->episodes(0).episode(), "e1");
  const auto asked = client_.asked();
  ASSERT_THAT(asked, SizeIs(1));
  ASSERT_TRUE(asked[0].options.acting_for.has_value());
  EXPECT_EQ(asked[0].options.acting_for->subject(), "anna");
  EXPECT_EQ(asked[0].options.acting_for->patient(), "patient-7");
  EXPECT_EQ(asked[0].options.traceparent, "00-trace");
  EXPECT_LT(asked[0].options.deadline, absl::Now() + absl::Seconds(6));
}

TEST_F(AccessClientTest, StaffsAnswerIsKeptForHalfAMinute) {
  const auto ask = [&] {
    return access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-a", "another")).status();
  };
  ASSERT_OK(ask());
  clock_.Advance(absl::Seconds(30) - absl::Microseconds(1));
  answer_ = absl::UnavailableError("down");
  ASSERT_OK(ask());
  EXPECT_THAT(client_.asked(), SizeIs(1));
  clock_.Advance(absl::Microseconds(1));
  EXPECT_THAT(ask(), IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable))
      << "closed, not open";
  EXPECT_THAT(client_.asked(), SizeIs(2));
}

TEST_F(AccessClientTest, WhoDoesNotSeeWhatTheyNameIsAskedForAgain) {
  api::Call call = Call(auth::PrincipalKind::kStaff, "dr-a");
  call.time = clock_.Now();
  clock_.Advance(absl::Microseconds(1));
  ASSERT_OK(access_.ViewFor(call));
  ASSERT_OK(access_.FreshViewFor(call));
  EXPECT_THAT(client_.asked(), SizeIs(1)) << "it was asked since the call began";
  answer_->add_episodes()->set_episode("e2");  // began another episode
  clock_.Advance(absl::Milliseconds(1));
  call.time = clock_.Now();
  ASSERT_OK_AND_ASSIGN(const auto fresh, access_.FreshViewFor(call));
  EXPECT_EQ(fresh->episodes_size(), 2);
  ASSERT_OK_AND_ASSIGN(const auto kept, access_.ViewFor(call));
  EXPECT_EQ(kept->episodes_size(), 2) << "and serves the next calls";
  EXPECT_THAT(client_.asked(), SizeIs(2));
}

TEST_F(AccessClientTest, WhoNamesWhatIsNotThereDoesNotKeepTheOwnerBusy) {
  const auto name = [&](int times) {
    for (int i = 0; i < times; ++i) {
      api::Call call = Call(auth::PrincipalKind::kStaff, "dr-a");
      call.time = clock_.Now();
      ASSERT_OK(access_.FreshViewFor(call));
    }
  };
  name(100);
  EXPECT_THAT(client_.asked(), SizeIs(21)) << "the first, and 20 more";
  clock_.Advance(absl::Seconds(1));
  name(100);
  EXPECT_THAT(client_.asked(), SizeIs(31));
  clock_.Advance(absl::Seconds(29));
  name(100);
  EXPECT_THAT(client_.asked(), SizeIs(51)) << "no more at once than in the beginning";
}

TEST_F(AccessClientTest, AViewFromBeforeTheClockWasSetBackIsNotUsed) {
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-a")));
  clock_.Advance(-absl::Hours(1));
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-a")));
  EXPECT_THAT(client_.asked(), SizeIs(2));
}

TEST_F(AccessClientTest, NotBeyondItsOwnExpiry) {
  *answer_->mutable_expire_time() = api::ToProto(clock_.Now() + absl::Seconds(10));
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-a")));
  clock_.Advance(absl::Seconds(10));
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-a")));
  EXPECT_THAT(client_.asked(), SizeIs(2));
}

TEST_F(AccessClientTest, ParticipantsAreAskedForInEveryCall) {
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kParticipant, "anna", "c1")));
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kParticipant, "anna", "c1")));
  EXPECT_THAT(client_.asked(), SizeIs(1)) << "once in a call";
  answer_ = AccessView();  // a consent was withdrawn
  ASSERT_OK_AND_ASSIGN(const auto view,
                       access_.ViewFor(Call(auth::PrincipalKind::kParticipant, "anna", "c2")));
  EXPECT_EQ(view->episodes_size(), 0);
  answer_ = absl::UnavailableError("down");
  EXPECT_THAT(access_.ViewFor(Call(auth::PrincipalKind::kParticipant, "anna", "c3")),
              IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
}

TEST_F(AccessClientTest, PrincipalsDoNotShareAnswers) {
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-a")));
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-b")));
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kParticipant, "dr-a")));
  api::Call elsewhere = Call(auth::PrincipalKind::kStaff, "dr-a");
  elsewhere.principal.practice = "p2";
  client_.On<GetAccessViewRequest, AccessView>(
      kMethod, [](const GetAccessViewRequest& request) -> absl::StatusOr<AccessView> {
        EXPECT_EQ(request.parent(), "practices/p2");
        return AccessView();
      });
  ASSERT_OK_AND_ASSIGN(const auto view, access_.ViewFor(elsewhere));
  EXPECT_EQ(view->episodes_size(), 0);
  EXPECT_THAT(client_.asked(), SizeIs(4));
}

TEST_F(AccessClientTest, SystemsSeeThePracticeAndNobodyIsAsked) {
  answer_ = absl::UnavailableError("down");
  ASSERT_OK_AND_ASSIGN(const auto view, access_.ViewFor(Call(auth::PrincipalKind::kSystem, "ehr")));
  EXPECT_TRUE(view->practice_wide());
  EXPECT_EQ(view->practice(), "p1");
  EXPECT_THAT(client_.asked(), SizeIs(0));
}

TEST_F(AccessClientTest, ARefusalOfOurIdentityIsNotTheCallersFault) {
  for (const auto code : {absl::StatusCode::kUnauthenticated, absl::StatusCode::kPermissionDenied,
                          absl::StatusCode::kInternal, absl::StatusCode::kDeadlineExceeded}) {
    answer_ = absl::Status(code, "no");
    EXPECT_THAT(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "dr-a")),
                IsError(absl::StatusCode::kUnavailable, Reason::kNeighbourUnavailable));
  }
}

TEST_F(AccessClientTest, ManyPrincipalsDoNotFillTheMemory) {
  for (size_t i = 0; i <= AccessClient::kMaxViews; ++i) {
    ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, absl::StrCat("s", i))));
  }
  // The first answer had to go, and is asked for again.
  const size_t before = client_.asked().size();
  ASSERT_OK(access_.ViewFor(Call(auth::PrincipalKind::kStaff, "s0")));
  EXPECT_EQ(client_.asked().size(), before + 1);
}

}  // namespace
}  // namespace securebase::client
