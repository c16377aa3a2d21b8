#include "services/platform/records/database.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/records/claims.h"
#include "tests/testing/database_fixture.h"
#include "tests/testing/status_matchers.h"

namespace securebase::records {
namespace {

using ::securebase::testing::DatabaseFixture;
using ::securebase::testing::IsError;
using ::securebase::testing::v1::CreateNoteRequest;
using ::securebase::testing::v1::ListNotesRequest;
using ::securebase::testing::v1::Note;

const Kind<Note>& NoteKind() {
  static const auto* kind =
      new Kind<Note>{"note",
                     [](const Note& note) {
                       return Access{note.episode(), {note.tags().begin(), note.tags().end()}};
                     },
                     [](const Note& note) {
                       return std::vector<storage::IndexEntry>{{"note-by-name", note.name()}};
                     }};
  return *kind;
}

class DatabaseTest : public ::testing::Test {
 protected:
  api::Call Staff(const std::string& subject = "dr-a") {
    return fixture_.Call(auth::PrincipalKind::kStaff, subject);
  }
  api::Call System() { return fixture_.Call(auth::PrincipalKind::kSystem, "ehr"); }

  absl::StatusOr<Note> Create(const api::Call& call, const std::string& id,
                              const std::string& episode, const std::string& request_id = "",
                              const std::string& text = "text") {
    CreateNoteRequest request;
    request.mutable_note()->set_name("practices/p1/notes/" + id);
    request.mutable_note()->set_episode(episode);
    request.mutable_note()->set_text(text);
    request.mutable_note()->add_tags("anna");
    request.set_request_id(request_id);
    return database_.Transact<Note>(
        call, request, [&](Write& write) { return write.Create(NoteKind(), request.note()); });
  }

  absl::Status ClaimFor(const std::string& owner, const std::string& value) {
    return database_
        .Transact<Note>(System(), CreateNoteRequest(),
                        [&](Write& write) -> absl::StatusOr<Note> {
                          SB_RETURN_IF_ERROR(Claim(write, "notes", value, owner, "value"));
                          return Note();
                        })
        .status();
  }

  DatabaseFixture fixture_;
  Database database_ = fixture_.Database();
};

TEST_F(DatabaseTest, ARepeatedRequestGivesTheFirstResultAndAnotherBodyIsRefused) {
  ASSERT_OK_AND_ASSIGN(const Note first, Create(System(), "n1", "e1", "r1"));
  fixture_.clock().Advance(absl::Hours(1));
  ASSERT_OK_AND_ASSIGN(const Note again, Create(System(), "n1", "e1", "r1"));
  EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(Create(System(), "n1", "e1", "r1", "other"),
              IsError(absl::StatusCode::kInvalidArgument, Reason::kRequestIdReused));
  EXPECT_THAT(Create(System(), "n1", "e1", "r2"),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
}

// A view that is too old to know the episode, and one that does.
class StaleAccess : public api::AccessSource {
 public:
  absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> ViewFor(
      const api::Call& call) override {
    auto view = std::make_shared<type::v1::AccessView>();
    view->set_practice(call.practice());
    return std::shared_ptr<const type::v1::AccessView>(std::move(view));
  }
  absl::StatusOr<std::shared_ptr<const type::v1::AccessView>> FreshViewFor(
      const api::Call& call) override {
    ++asked;
    auto view = std::make_shared<type::v1::AccessView>();
    view->set_practice(call.practice());
    auto* episode = view->add_episodes();
    episode->set_episode("e1");
    episode->set_all_subjects(true);
    return std::shared_ptr<const type::v1::AccessView>(std::move(view));
  }
  int asked = 0;
};

TEST_F(DatabaseTest, ANamedRecordIsLookedForWithAFreshViewOnce) {
  EXPECT_OK(Create(System(), "n1", "e1"));
  EXPECT_OK(Create(System(), "n2", "e2"));
  StaleAccess access;
  const Database database = fixture_.Database(access);
  EXPECT_OK(database.Get(Staff(), NoteKind(), "practices/p1/notes/n1"));
  EXPECT_THAT(database.Get(Staff(), NoteKind(), "practices/p1/notes/n2"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_EQ(access.asked, 2);
  ASSERT_OK_AND_ASSIGN(const Reader reader, database.ReaderFor(Staff()));
  EXPECT_THAT(reader.CheckEpisode("practices/p1/episodes/e2"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_OK(reader.CheckEpisode("practices/p1/episodes/e1"));
  EXPECT_EQ(access.asked, 3) << "once in a call";
}

TEST_F(DatabaseTest, WhatMayNotBeSeenIsNotFound) {
  EXPECT_OK(Create(System(), "n1", "e1"));
  EXPECT_THAT(database_.Get(Staff(), NoteKind(), "practices/p1/notes/n1"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  type::v1::AccessView view;
  view.add_episodes()->set_episode("e1");
  view.mutable_episodes(0)->add_subjects("ben");
  fixture_.access().Set("staff:dr-a", view);
  EXPECT_THAT(database_.Get(Staff(), NoteKind(), "practices/p1/notes/n1"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  view.mutable_episodes(0)->add_subjects("anna");
  fixture_.access().Set("staff:dr-a", view);
  EXPECT_OK(database_.Get(Staff(), NoteKind(), "practices/p1/notes/n1"));
  api::Call elsewhere = System();
  elsewhere.principal.practice = "p2";
  EXPECT_THAT(database_.Get(elsewhere, NoteKind(), "practices/p1/notes/n1"),
              IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
}

TEST_F(DatabaseTest, ListsPageThroughWhatMayBeSeen) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_OK(Create(System(), absl::StrCat("n", i), i % 2 == 0 ? "e1" : "e2"));
  }
  type::v1::AccessView view;
  view.add_episodes()->set_episode("e1");
  view.mutable_episodes(0)->set_all_subjects(true);
  fixture_.access().Set("staff:dr-a", view);
  ListNotesRequest request;
  request.set_page_size(2);
  std::vector<std::string> seen;
  do {
    ASSERT_OK_AND_ASSIGN(const Page<Note> page,
                         database_.List(Staff(), request, NoteKind(), {"note-by-name"}));
    for (const Note& note : page.items) {
      seen.push_back(LastId(note.name()));
    }
    request.set_page_token(page.next_page_token);
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ::testing::ElementsAre("n0", "n2", "n4", "n6", "n8"));
}

TEST_F(DatabaseTest, AClaimedValueIsRefusedToOthersUntilItIsGivenUp) {
  EXPECT_OK(ClaimFor("practices/p1/notes/a", "value"));
  EXPECT_OK(ClaimFor("practices/p1/notes/a", "value"));
  EXPECT_OK(ClaimFor("practices/p1/notes/b", "other value"));
  EXPECT_THAT(ClaimFor("practices/p1/notes/b", "value"),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  const auto release = [&](const std::string& owner) {
    return database_
        .Transact<Note>(System(), CreateNoteRequest(),
                        [&](Write& write) -> absl::StatusOr<Note> {
                          SB_RETURN_IF_ERROR(ReleaseClaim(write, "notes", "value", owner));
                          return Note();
                        })
        .status();
  };
  EXPECT_OK(release("practices/p1/notes/b"));
  EXPECT_FALSE(ClaimFor("practices/p1/notes/b", "value").ok());
  EXPECT_OK(release("practices/p1/notes/a"));
  EXPECT_OK(ClaimFor("practices/p1/notes/b", "value"));
}

TEST_F(DatabaseTest, ExternalIdentifiersFollowAnUpdate) {
  ExternalIdentifiers before;
  before.Add()->set_value("x1");
  ExternalIdentifiers after;
  after.Add()->set_value("x2");
  const auto move = [&](const ExternalIdentifiers& from, const ExternalIdentifiers& to,
                        const std::string& owner) {
    return database_
        .Transact<Note>(System(), CreateNoteRequest(),
                        [&](Write& write) -> absl::StatusOr<Note> {
                          SB_RETURN_IF_ERROR(ClaimExternalIdentifiers(write, "notes", from, to,
                                                                      owner, "note.ids"));
                          return Note();
                        })
        .status();
  };
  EXPECT_OK(move({}, before, "a"));
  EXPECT_OK(move(before, before, "a"));
  EXPECT_OK(move(before, after, "a"));
  EXPECT_OK(move({}, before, "b"));
  const absl::Status taken = move({}, after, "b");
  EXPECT_THAT(taken, IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  EXPECT_EQ(std::string(taken.message()).find("x2"), std::string::npos);
  const api::Call call = System();
  ASSERT_OK_AND_ASSIGN(const Reader reader, database_.ReaderFor(call));
  ASSERT_OK_AND_ASSIGN(const auto owner, FindExternalIdentifier(reader, "notes", after[0]));
  EXPECT_EQ(owner, "a");
}

}  // namespace
}  // namespace securebase::records
