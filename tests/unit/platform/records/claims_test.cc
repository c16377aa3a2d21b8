#include "services/platform/records/claims.h"

#include <string>
#include <utility>
#include <vector>

#include "securebase/testing/v1/notes_service.pb.h"
#include "tests/testing/database_fixture.h"
#include "tests/testing/status_matchers.h"

namespace securebase::records {
namespace {

using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::securebase::testing::v1::CreateNoteRequest;
using ::securebase::testing::v1::Note;
using ::testing::HasSubstr;
using ::testing::Not;

class ExternalIdentifiersTest : public ::testing::Test {
 protected:
  // Each a system and a value.
  absl::Status Take(const std::string& owner,
                    const std::vector<std::pair<std::string, std::string>>& identifiers) {
    ExternalIdentifiers wanted;
    for (const auto& [system, value] : identifiers) {
      type::v1::ExternalIdentifier& identifier = *wanted.Add();
      identifier.set_system(system);
      identifier.set_value(value);
    }
    return database_
        .Transact<Note>(fixture_.Call(auth::PrincipalKind::kSystem, "ehr"), CreateNoteRequest(),
                        [&](Write& write) -> absl::StatusOr<Note> {
                          SB_RETURN_IF_ERROR(ClaimExternalIdentifiers(
                              write, "notes", {}, wanted, owner, "note.external_identifiers"));
                          return Note();
                        })
        .status();
  }

  securebase::testing::DatabaseFixture fixture_;
  records::Database database_ = fixture_.Database();
};

TEST_F(ExternalIdentifiersTest, NeedBothPartsAndAreListedOnce) {
  const absl::Status wrong = Take("practices/p1/notes/a",
                                  {{"", "7"}, {"urn:ehr", ""}, {"urn:ehr", "7"}, {"urn:ehr", "7"}});
  EXPECT_THAT(wrong, HasViolation("note.external_identifiers[0].system"));
  EXPECT_THAT(wrong, HasViolation("note.external_identifiers[1].value"));
  EXPECT_THAT(wrong, HasViolation("note.external_identifiers[3].value"));
  EXPECT_EQ(ViolationsOf(wrong).size(), 3u);
  EXPECT_OK(Take("practices/p1/notes/a", {{"urn:ehr", "7"}, {"urn:lab", "7"}}));
}

TEST_F(ExternalIdentifiersTest, OneThatIsTakenIsNamedByItsField) {
  ASSERT_OK(Take("practices/p1/notes/a", {{"urn:ehr", "secret"}}));
  const absl::Status taken =
      Take("practices/p1/notes/b", {{"urn:ehr", "8"}, {"urn:ehr", "secret"}});
  EXPECT_THAT(taken, IsError(absl::StatusCode::kAlreadyExists, Reason::kAlreadyExists));
  EXPECT_EQ(MetadataOf(taken).at("resource"), "note.external_identifiers[1]");
  EXPECT_THAT(std::string(taken.message()), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace securebase::records
