#include "services/platform/records/database.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "securebase/testing/v1/notes_service.pb.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/records/claims.h"
#include "services/platform/storage/envelope.h"
#include "tests/testing/counting_store.h"
#include "tests/testing/database_fixture.h"
#include "tests/testing/status_matchers.h"

namespace securebase::records {
namespace {

using ::securebase::testing::CountingStore;
using ::securebase::testing::DatabaseFixture;
using ::securebase::testing::IsError;
using ::securebase::testing::v1::CreateNoteRequest;
using ::securebase::testing::v1::ListNotesRequest;
using ::securebase::testing::v1::Note;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Kind<Note>& NoteKind() {
  static const auto* kind =
      new Kind<Note>{"note",
                     [](const Note& note) {
                       return Access{note.episode(), {note.tags().begin(), note.tags().end()}};
                     },
                     [](const Note& note) {
                       return std::vector<storage::IndexEntry>{
                           {"note-by-name", note.name()},
                           {"note-by-episode", SortKey({note.episode(), note.name()})}};
                     }};
  return *kind;
}

type::v1::AccessView ViewOf(const std::vector<std::string>& episodes) {
  type::v1::AccessView view;
  for (const std::string& episode : episodes) {
    type::v1::EpisodeAccess& access = *view.add_episodes();
    access.set_episode(episode);
    access.set_all_subjects(true);
  }
  return view;
}

std::vector<std::string> IdsOf(const std::vector<Note>& notes) {
  std::vector<std::string> ids;
  for (const Note& note : notes) {
    ids.push_back(LastId(note.name()));
  }
  return ids;
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
    const CreateNoteRequest request = RequestFor(id, episode, request_id, text);
    return database_.Transact<Note>(
        call, request, [&](Write& write) { return write.Create(NoteKind(), request.note()); });
  }

  CreateNoteRequest RequestFor(const std::string& id, const std::string& episode,
                               const std::string& request_id, const std::string& text = "text") {
    CreateNoteRequest request;
    request.mutable_note()->set_name("practices/p1/notes/" + id);
    request.mutable_note()->set_episode(episode);
    request.mutable_note()->set_text(text);
    request.mutable_note()->add_tags("anna");
    request.set_request_id(request_id);
    return request;
  }

  absl::Status SetText(const std::string& id, const std::string& text) {
    return database_
        .Transact<Note>(System(), CreateNoteRequest(),
                        [&](Write& write) -> absl::StatusOr<Note> {
                          SB_ASSIGN_OR_RETURN(Note note,
                                              write.Get(NoteKind(), "practices/p1/notes/" + id));
                          note.set_text(text);
                          return write.Update(NoteKind(), std::move(note));
                        })
        .status();
  }

  std::vector<std::string> AuditedOutcomes() {
    std::vector<std::string> outcomes;
    const auto entries = fixture_.store().ListAudit({}, "p1", 0, 1000);
    EXPECT_OK(entries);
    for (const storage::AuditEntry& entry : *entries) {
      const std::string key = "\"outcome\":\"";
      const size_t begin = entry.value.find(key) + key.size();
      outcomes.push_back(entry.value.substr(begin, entry.value.find('"', begin) - begin));
    }
    return outcomes;
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
  const api::Call call = Staff();
  ASSERT_OK_AND_ASSIGN(const Reader reader, database.ReaderFor(call));
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
  EXPECT_THAT(seen, ElementsAre("n0", "n2", "n4", "n6", "n8"));
}

TEST_F(DatabaseTest, ARepeatWhileTheFirstIsUnderWayGivesTheFirstResult) {
  const CreateNoteRequest request = RequestFor("n1", "e1", "r1");
  Note first;
  int runs = 0;
  ASSERT_OK_AND_ASSIGN(
      const Note second,
      (database_.Transact<Note>(System(), request, [&](Write& write) -> absl::StatusOr<Note> {
        ++runs;
        SB_ASSIGN_OR_RETURN(first, Create(System(), "n1", "e1", "r1"));
        return write.Create(NoteKind(), request.note());
      })));
  EXPECT_EQ(second.SerializeAsString(), first.SerializeAsString());
  EXPECT_EQ(runs, 1);
}

TEST_F(DatabaseTest, AnErrorThatRestsOnWhatOthersChangedIsNotTheAnswer) {
  ASSERT_OK(Create(System(), "n1", "e1"));
  std::vector<std::string> seen;
  const auto result = database_.Transact<Note>(
      System(), CreateNoteRequest(), [&](Write& write) -> absl::StatusOr<Note> {
        SB_ASSIGN_OR_RETURN(Note note, write.Get(NoteKind(), "practices/p1/notes/n1"));
        seen.push_back(note.text());
        if (seen.size() == 1) {
          EXPECT_OK(SetText("n1", "open"));
        }
        if (note.text() != "open") {
          return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kStateNotAllowed, "no");
        }
        note.set_text("done");
        return write.Update(NoteKind(), std::move(note));
      });
  EXPECT_OK(result);
  EXPECT_THAT(seen, ElementsAre("text", "open"));
}

TEST_F(DatabaseTest, AnErrorThatRestsOnWhatIsSoIsGivenAtOnce) {
  ASSERT_OK(Create(System(), "n1", "e1"));
  int runs = 0;
  EXPECT_THAT(database_.Transact<Note>(System(), RequestFor("n1", "e1", "r2"),
                                       [&](Write& write) -> absl::StatusOr<Note> {
                                         ++runs;
                                         return write.Create(NoteKind(),
                                                             RequestFor("n1", "e1", "r2").note());
                                       }),
              IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  EXPECT_EQ(runs, 1);
}

TEST_F(DatabaseTest, WhoIsAlwaysOvertakenIsToldToRetry) {
  ASSERT_OK(Create(System(), "n1", "e1"));
  int runs = 0;
  const auto result = database_.Transact<Note>(
      System(), CreateNoteRequest(), [&](Write& write) -> absl::StatusOr<Note> {
        SB_ASSIGN_OR_RETURN(Note note, write.Get(NoteKind(), "practices/p1/notes/n1"));
        EXPECT_OK(SetText("n1", absl::StrCat("rival ", ++runs)));
        return write.Update(NoteKind(), std::move(note));
      });
  EXPECT_THAT(result, IsError(absl::StatusCode::kAborted, Reason::kConflict));
  ASSERT_OK_AND_ASSIGN(const Note note,
                       database_.Get(System(), NoteKind(), "practices/p1/notes/n1"));
  EXPECT_EQ(note.text(), absl::StrCat("rival ", runs)) << "nothing of the loser is written";
}

TEST_F(DatabaseTest, ARequestIdIsOfOneMethodAndPrincipalAndLastsAFortnight) {
  ASSERT_OK(Create(System(), "n1", "e1", "r1"));
  const auto taken = IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists);
  api::Call other = System();
  other.method = "/test/OtherMethod";
  EXPECT_THAT(Create(other, "n1", "e1", "r1"), taken);
  other = System();
  other.principal.subject = "another-ehr";
  EXPECT_THAT(Create(other, "n1", "e1", "r1"), taken);
  fixture_.clock().Advance(absl::Hours(24 * 14) - absl::Seconds(1));
  EXPECT_OK(Create(System(), "n1", "e1", "r1"));
  fixture_.clock().Advance(absl::Seconds(1));
  EXPECT_THAT(Create(System(), "n1", "e1", "r1"), taken);
}

TEST_F(DatabaseTest, ARepeatShowsNothingThatMayNoLongerBeSeen) {
  fixture_.access().Set("staff:dr-a", ViewOf({"e1"}));
  ASSERT_OK(Create(Staff(), "n1", "e1", "r1"));
  EXPECT_OK(Create(Staff(), "n1", "e1", "r1"));
  fixture_.access().Set("staff:dr-a", ViewOf({"e2"}));
  const auto hidden = Create(Staff(), "n1", "e1", "r1");
  EXPECT_THAT(hidden, IsError(absl::StatusCode::kNotFound, Reason::kNotFound));
  EXPECT_EQ(std::string(hidden.status().message()).find("n1"), std::string::npos);
}

TEST_F(DatabaseTest, ARepeatIsJudgedByAFreshView) {
  StaleAccess access;
  const Database database = fixture_.Database(access);
  const auto create = [&] {
    return database.Transact<Note>(
        Staff(), RequestFor("n1", "e1", "r1"), [&](Write& write) -> absl::StatusOr<Note> {
          SB_RETURN_IF_ERROR(write.CheckEpisode("practices/p1/episodes/e1"));
          return write.Create(NoteKind(), RequestFor("n1", "e1", "r1").note());
        });
  };
  EXPECT_OK(create());
  EXPECT_OK(create());
}

TEST_F(DatabaseTest, AListOfAnEpisodeThatBeganJustNowIsReadWithAFreshView) {
  ASSERT_OK(Create(System(), "n1", "e1"));
  StaleAccess access;
  const Database database = fixture_.Database(access);
  ListNotesRequest request;
  request.set_episode("practices/p1/episodes/e1");
  ASSERT_OK_AND_ASSIGN(const Page<Note> page,
                       database.List(Staff(), request, NoteKind(), {"note-by-name"}));
  EXPECT_THAT(IdsOf(page.items), ElementsAre("n1"));
  EXPECT_EQ(access.asked, 1);
}

TEST_F(DatabaseTest, ARepeatIsAudited) {
  ASSERT_OK(Create(System(), "n1", "e1", "r1"));
  ASSERT_OK(Create(System(), "n1", "e1", "r1"));
  EXPECT_THAT(AuditedOutcomes(), ElementsAre("OK", "REPEATED"));
}

TEST_F(DatabaseTest, ATransactionSeesWhatItWrote) {
  ASSERT_OK(Create(System(), "n1", "e1", "", "old"));
  ASSERT_OK(Create(System(), "n2", "e1"));
  std::vector<std::string> ids;
  std::string text;
  EXPECT_OK(database_.Transact<Note>(
      System(), CreateNoteRequest(), [&](Write& write) -> absl::StatusOr<Note> {
        SB_ASSIGN_OR_RETURN(Note note, write.Get(NoteKind(), "practices/p1/notes/n1"));
        note.set_text("new");
        SB_RETURN_IF_ERROR(write.Update(NoteKind(), std::move(note)).status());
        SB_RETURN_IF_ERROR(write.Delete(NoteKind(), "practices/p1/notes/n2"));
        SB_RETURN_IF_ERROR(write.Create(NoteKind(), RequestFor("n0", "e1", "").note()).status());
        SB_ASSIGN_OR_RETURN(const std::vector<Note> all,
                            write.GetAll(NoteKind(), {"note-by-name"}, 10));
        ids = IdsOf(all);
        text = all.back().text();
        return Note();
      }));
  EXPECT_THAT(ids, ElementsAre("n0", "n1"));
  EXPECT_EQ(text, "new");
}

TEST_F(DatabaseTest, APageHasATokenOnlyWhenSomethingVisibleFollows) {
  ASSERT_OK(Create(System(), "n1", "e1"));
  ASSERT_OK(Create(System(), "n2", "e2"));
  fixture_.access().Set("staff:dr-a", ViewOf({"e1"}));
  ListNotesRequest request;
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(Page<Note> page,
                       database_.List(Staff(), request, NoteKind(), {"note-by-name"}));
  EXPECT_THAT(IdsOf(page.items), ElementsAre("n1"));
  EXPECT_THAT(page.next_page_token, IsEmpty()) << "tells of n2, which is hidden";
  ASSERT_OK(Create(System(), "n3", "e1"));
  ASSERT_OK_AND_ASSIGN(page, database_.List(Staff(), request, NoteKind(), {"note-by-name"}));
  ASSERT_NE(page.next_page_token, "");
  request.set_page_token(page.next_page_token);
  ASSERT_OK_AND_ASSIGN(page, database_.List(Staff(), request, NoteKind(), {"note-by-name"}));
  EXPECT_THAT(IdsOf(page.items), ElementsAre("n3"));
  EXPECT_THAT(page.next_page_token, IsEmpty());
}

TEST_F(DatabaseTest, APageLooksAtABoundedNumberOfRows) {
  for (int i = 0; i < 1600; ++i) {
    ASSERT_OK(Create(System(), absl::StrFormat("n%04d", i), i == 1599 ? "e1" : "e2"));
  }
  fixture_.access().Set("staff:dr-a", ViewOf({"e1"}));
  CountingStore counted(fixture_.store());
  const Database database({&counted, &fixture_.access(), &fixture_.page_tokens(), &fixture_.ids()});
  ListNotesRequest request;
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(Page<Note> page,
                       database.List(Staff(), request, NoteKind(), {"note-by-name"}));
  EXPECT_THAT(page.items, IsEmpty());
  ASSERT_NE(page.next_page_token, "");
  const testing::StoreWork work = counted.TakeWork();
  EXPECT_LT(work.rows, 1300);
  EXPECT_LT(work.scans, 10) << "a small page is not looked for in small steps";
  request.set_page_token(page.next_page_token);
  ASSERT_OK_AND_ASSIGN(page, database.List(Staff(), request, NoteKind(), {"note-by-name"}));
  EXPECT_THAT(IdsOf(page.items), ElementsAre("n1599"));
}

TEST_F(DatabaseTest, APageEndsAfterAMebibyte) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(Create(System(), absl::StrCat("n", i), "e1", "", std::string(400000, 'x')));
  }
  ListNotesRequest request;
  ASSERT_OK_AND_ASSIGN(Page<Note> page,
                       database_.List(System(), request, NoteKind(), {"note-by-name"}));
  EXPECT_THAT(IdsOf(page.items), ElementsAre("n0", "n1", "n2"));
  request.set_page_token(page.next_page_token);
  ASSERT_OK_AND_ASSIGN(page, database_.List(System(), request, NoteKind(), {"note-by-name"}));
  EXPECT_THAT(IdsOf(page.items), ElementsAre("n3", "n4"));
  EXPECT_THAT(page.next_page_token, IsEmpty());
}

TEST_F(DatabaseTest, AParticipantsListWalksTheirEpisodesAndNotThePractice) {
  for (int i = 0; i < 500; ++i) {
    ASSERT_OK(Create(System(), absl::StrCat("x", i), "e2"));
  }
  for (const char* id : {"a1", "a2", "z1"}) {
    ASSERT_OK(Create(System(), id, "e1"));
  }
  ASSERT_OK(Create(System(), "b1", "e3"));
  fixture_.access().Set("participant:ann", ViewOf({"e1", "e3"}));
  CountingStore counted(fixture_.store());
  const Database database({&counted, &fixture_.access(), &fixture_.page_tokens(), &fixture_.ids()});
  Query query = {"note-by-name"};
  query.by_episode = "note-by-episode";
  ListNotesRequest request;
  request.set_page_size(2);
  std::vector<std::string> seen;
  do {
    ASSERT_OK_AND_ASSIGN(const Page<Note> page,
                         database.List(fixture_.Call(auth::PrincipalKind::kParticipant, "ann"),
                                       request, NoteKind(), query));
    for (const std::string& id : IdsOf(page.items)) {
      seen.push_back(id);
    }
    request.set_page_token(page.next_page_token);
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ElementsAre("a1", "a2", "z1", "b1"));
  EXPECT_LT(counted.TakeWork().rows, 10);
}

TEST_F(DatabaseTest, EveryRecordIsFoundByThoseWhoseDataItIs) {
  ASSERT_OK(Create(System(), "n1", "e1"));
  ASSERT_OK(Create(System(), "n2", "e2"));
  CreateNoteRequest bens = RequestFor("n3", "e1", "");
  bens.mutable_note()->set_tags(0, "ben");
  ASSERT_OK(database_.Transact<Note>(
      System(), bens, [&](Write& write) { return write.Create(NoteKind(), bens.note()); }));
  const auto find = [&](const std::string& episode, const std::string& participant) {
    const Query query = DataOf(episode, participant);
    storage::ScanRequest scan;
    scan.practice = "p1";
    scan.index = query.index;
    scan.prefix = query.prefix;
    std::vector<std::string> ids;
    const auto page = fixture_.store().Scan({}, scan);
    EXPECT_OK(page);
    for (const storage::ScanRow& row : page->rows) {
      ids.push_back(row.key.id);
    }
    return ids;
  };
  EXPECT_THAT(find("e1", "anna"), ElementsAre("notes/n1"));
  EXPECT_THAT(find("e1", "ben"), ElementsAre("notes/n3"));
  EXPECT_THAT(find("e1", "an"), IsEmpty());
}

TEST_F(DatabaseTest, ARecordOfANewerReleaseIsNotGuessedAt) {
  storage::Envelope envelope;
  envelope.schema_version = 2;
  envelope.payload = RequestFor("n1", "e1", "").note().SerializeAsString();
  storage::Batch batch;
  batch.practice = "p1";
  batch.puts.push_back({{"note", "notes/n1"}, storage::SealEnvelope(envelope), {}});
  ASSERT_OK(fixture_.store().Apply({}, batch));
  const auto note = database_.Get(System(), NoteKind(), "practices/p1/notes/n1");
  EXPECT_THAT(note, IsError(absl::StatusCode::kDataLoss, Reason::kInternal));
  EXPECT_THAT(std::string(note.status().message()), ::testing::HasSubstr("newer release"));
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
  before.Add()->set_system("urn:ehr");
  before[0].set_value("x1");
  ExternalIdentifiers after;
  after.Add()->set_system("urn:ehr");
  after[0].set_value("x2");
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
