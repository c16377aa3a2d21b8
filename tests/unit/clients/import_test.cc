#include "clients/cli/online/import.h"

#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "clients/cli/instruments.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/platform/base/error.h"
#include "services/platform/base/mutex.h"
#include "services/platform/base/resource_name.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

namespace v1 = outcomes::v1;

constexpr char kHeader[] =
    "assessment_id,episode,instrument,subject,informant,relationship_target,answered_time,"
    "age_months,answers\n";

// Built-in ones, and the second version of one with three items of a practice's own.
absl::StatusOr<v1::InstrumentDefinition> FindInstrument(const std::string& name, int version) {
  if (name != "practices/p1/instruments/own-three" || version != 2) {
    return FindBuiltIn(LastId(name));
  }
  v1::InstrumentDefinition definition;
  for (const char* id : {"a", "b", "c"}) {
    definition.add_items()->set_id(id);
  }
  return definition;
}

std::vector<ImportRow> ReadAll(const std::string& text, ImportFormat format) {
  std::istringstream in(text);
  absl::StatusOr<ImportReader> reader = ImportReader::Open(in, format, "p1", FindInstrument);
  EXPECT_OK(reader);
  std::vector<ImportRow> rows;
  while (std::optional<ImportRow> row = reader->Next()) {
    rows.push_back(*std::move(row));
  }
  return rows;
}

TEST(ImportReaderTest, AnswersOfAnOwnInstrumentFollowTheItemsOfItsVersion) {
  const std::vector<ImportRow> rows = ReadAll(
      "episode,instrument,instrument_version,subject,informant,answered_time,answers\n"
      "e1,own-three,2,ann,ann,2026-01-07,\"1,,2\"\n",
      ImportFormat::kCsv);
  ASSERT_EQ(rows.size(), 1u);
  ASSERT_OK(rows[0].request);
  const v1::Assessment& assessment = rows[0].request->assessment();
  EXPECT_EQ(assessment.instrument_version(), 2);
  ASSERT_EQ(assessment.answers_size(), 3);
  EXPECT_EQ(assessment.answers(0).item(), "a");
  EXPECT_TRUE(assessment.answers(1).not_answered());
}

TEST(ImportFormatTest, IsTheEndOfTheName) {
  EXPECT_EQ(*ImportFormatOf("History.CSV"), ImportFormat::kCsv);
  EXPECT_EQ(*ImportFormatOf("a/b.ndjson"), ImportFormat::kNdjson);
  EXPECT_EQ(*ImportFormatOf("b.jsonl"), ImportFormat::kNdjson);
  EXPECT_THAT(ImportFormatOf("history.txt").status().message(), HasSubstr("--format"));
}

TEST(OpenImportFileTest, OpensWhatItsFormatIsKnownOf) {
  const securebase::testing::TemporaryFolder folder;
  const std::string path = folder.PathOf("history");
  std::ofstream(path) << "line";
  ASSERT_OK_AND_ASSIGN(ImportFile file, OpenImportFile(path, "csv"));
  EXPECT_EQ(file.format, ImportFormat::kCsv);
  std::string line;
  EXPECT_TRUE(std::getline(file.in(), line));
  EXPECT_EQ(line, "line");
  ASSERT_OK_AND_ASSIGN(ImportFile standard, OpenImportFile("-", "ndjson"));
  EXPECT_EQ(standard.format, ImportFormat::kNdjson);
  EXPECT_EQ(&standard.in(), &std::cin);
  EXPECT_THAT(OpenImportFile(path, "").status().message(), HasSubstr("--format"));
  EXPECT_THAT(OpenImportFile(folder.PathOf("none.csv"), "").status().message(),
              HasSubstr("check that it exists"));
}

TEST(CsvTest, QuotationMarksKeepCommasLineBreaksAndThemselves) {
  std::istringstream in("a,\"b,\"\"c\"\"\nd\",\r\nlast");
  int line = 0;
  EXPECT_THAT(*ReadCsvRecord(in, line), Optional(ElementsAre("a", "b,\"c\"\nd", "")));
  EXPECT_EQ(line, 2);
  EXPECT_THAT(*ReadCsvRecord(in, line), Optional(ElementsAre("last")));
  EXPECT_EQ(line, 3);
  EXPECT_EQ(*ReadCsvRecord(in, line), std::nullopt);
}

TEST(CsvTest, AnUnclosedQuotationMarkIsAnError) {
  std::istringstream in("a,\"b\nc");
  int line = 0;
  EXPECT_EQ(ReadCsvRecord(in, line).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ImportReaderTest, ReadsCsvRows) {
  const auto rows =
      ReadAll(absl::StrCat(kHeader, "a1,e1,phq-2,ada,ada,,2026-03-01T09:30:00Z,420,\"1,2\"\n", "\n",
                           ",practices/p1/episodes/e2,phq-2,bo,bo,partner,2026-03-02,,\"1,\"\n"),
              ImportFormat::kCsv);
  ASSERT_EQ(rows.size(), 2u);
  ASSERT_OK(rows[0].request);
  EXPECT_EQ(rows[0].line, 2);
  const v1::SubmitAssessmentRequest& first = *rows[0].request;
  EXPECT_EQ(first.parent(), "practices/p1");
  EXPECT_EQ(first.assessment_id(), "a1");
  EXPECT_EQ(first.assessment().episode(), "practices/p1/episodes/e1");
  EXPECT_EQ(first.assessment().instrument(), "practices/p1/instruments/phq-2");
  EXPECT_EQ(first.assessment().answered_time().seconds(), 1772357400);
  EXPECT_EQ(first.assessment().age_months(), 420);
  ASSERT_EQ(first.assessment().answers_size(), 2);
  EXPECT_EQ(first.assessment().answers(1).value(), 2);

  EXPECT_EQ(rows[1].line, 4);
  ASSERT_OK(rows[1].request);
  EXPECT_EQ(rows[1].request->assessment().episode(), "practices/p1/episodes/e2");
  EXPECT_EQ(rows[1].request->assessment().relationship_target(), "partner");
  EXPECT_FALSE(rows[1].request->assessment().has_age_months());
  EXPECT_TRUE(rows[1].request->assessment().answers(1).not_answered());
}

TEST(ImportReaderTest, ABadRowIsReportedAndTheNextOneRead) {
  const auto rows = ReadAll(absl::StrCat(kHeader,                                       //
                                         "a1,e1,phq-2,ada,ada,,yesterday,,\"1,2\"\n",   // line 2
                                         "a2,e1,phq-2,ada,ada,,2026-03-01,,1,2\n",      // line 3
                                         "a3,e1,phq-2,ada,ada,,2026-03-01,,\"1\"\n",    // line 4
                                         "a4,e1,nothing,ada,ada,,2026-03-01,,\"1\"\n",  // line 5
                                         "a5,e1,phq-2,ada,ada,,2026-03-01,,\"1,2\"\n"),
                            ImportFormat::kCsv);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_THAT(rows[0].request.status().message(), HasSubstr("answered_time"));
  EXPECT_THAT(rows[1].request.status().message(), HasSubstr("10 cells"));
  EXPECT_THAT(rows[2].request.status().message(), HasSubstr("2 items"));
  EXPECT_THAT(rows[3].request.status().message(), HasSubstr("nothing"));
  EXPECT_EQ(rows[4].line, 6);
  EXPECT_OK(rows[4].request);
}

TEST(ImportReaderTest, AHeaderThatDoesNotFitIsAnErrorOfTheFile) {
  const auto open = [](const std::string& header) {
    std::istringstream in(header);
    return std::string(
        ImportReader::Open(in, ImportFormat::kCsv, "p1", FindInstrument).status().message());
  };
  EXPECT_THAT(open(""), HasSubstr("empty"));
  EXPECT_THAT(open("episode,instrument,subject,informant,answers\n"), HasSubstr("answered_time"));
  EXPECT_THAT(open("episode,score\n"), HasSubstr("\"score\" is no field"));
  EXPECT_THAT(open("episode,uid\n"), HasSubstr("\"uid\" is no field"));
  EXPECT_THAT(open("episode,episode\n"), HasSubstr("twice"));
  EXPECT_EQ(open("\xEF\xBB\xBF" + std::string(kHeader)), "");
}

TEST(ImportReaderTest, ReadsJsonLines) {
  const auto rows = ReadAll(
      R"({"assessmentId": "a1", "assessment": {"episode": "e1", "instrument": "phq-2",
)"
      "\n"
      R"({"assessment": {"episode": "e1", "instrument": "phq-2", "answers": [{"item": "1"}]}})",
      ImportFormat::kNdjson);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].line, 1);
  EXPECT_THAT(rows[0].request.status().message(), HasSubstr("SubmitAssessmentRequest"));
  EXPECT_EQ(rows[1].line, 3);
  ASSERT_OK(rows[1].request);
  EXPECT_EQ(rows[1].request->parent(), "practices/p1");
  EXPECT_EQ(rows[1].request->assessment().episode(), "practices/p1/episodes/e1");
}

TEST(ImportReaderTest, IdsFollowFromWhatTheRowSays) {
  const std::string row = ",e1,phq-2,ada,ada,,2026-03-01,,\"1,2\"\n";
  const std::string other = ",e1,phq-2,ada,ada,,2026-03-01,,\"1,3\"\n";
  const auto first = ReadAll(kHeader + row, ImportFormat::kCsv);
  const auto again = ReadAll(kHeader + other + row, ImportFormat::kCsv);
  ASSERT_OK(first[0].request);
  EXPECT_FALSE(first[0].request->assessment_id().empty());
  EXPECT_FALSE(first[0].request->request_id().empty());
  EXPECT_EQ(first[0].request->SerializeAsString(), again[1].request->SerializeAsString());
  EXPECT_NE(first[0].request->assessment_id(), again[0].request->assessment_id());
  EXPECT_NE(first[0].request->request_id(), again[0].request->request_id());
}

// A service that keeps what it is sent.
class FakeService {
 public:
  ImportOptions Options(int in_flight) {
    ImportOptions options;
    options.in_flight = in_flight;
    options.submit = [this](const v1::SubmitAssessmentRequest& request) { return Submit(request); };
    options.get = [this](const std::string& name) -> absl::StatusOr<v1::Assessment> {
      MutexLock lock(mutex_);
      const auto found = stored_.find(name);
      if (found == stored_.end()) {
        return NotFound(name);
      }
      return found->second;
    };
    options.on_failure = [this](int line, const absl::Status& status) {
      failures_.push_back(absl::StrCat(line, " ", std::string(status.message())));
    };
    options.on_progress = [this](const ImportSummary& summary) {
      last_ = summary.stored + summary.existed + summary.failed;
    };
    return options;
  }

  // Answers the next submission of this assessment with an error.
  void FailOnce(const std::string& id, absl::Status status) { errors_[id] = std::move(status); }
  void Store(v1::SubmitAssessmentRequest request) {
    stored_["practices/p1/assessments/" + request.assessment_id()] = request.assessment();
  }

  std::map<std::string, v1::Assessment> stored_;
  std::map<std::string, std::vector<std::string>> order_;  // assessment ids by episode
  std::vector<std::string> failures_;
  int last_ = 0;

 private:
  absl::Status Submit(const v1::SubmitAssessmentRequest& request) {
    MutexLock lock(mutex_);
    const auto error = errors_.find(request.assessment_id());
    if (error != errors_.end()) {
      absl::Status status = error->second;
      errors_.erase(error);
      return status;
    }
    const std::string name = "practices/p1/assessments/" + request.assessment_id();
    if (!stored_.emplace(name, request.assessment()).second) {
      return AlreadyExists(name);
    }
    order_[request.assessment().episode()].push_back(request.assessment_id());
    return absl::OkStatus();
  }

  Mutex mutex_;
  std::map<std::string, absl::Status> errors_;
};

std::string CsvRow(const std::string& id, const std::string& episode, int answer) {
  return absl::StrCat(id, ",", episode, ",phq-2,ada,ada,,2026-03-01,,\"1,", answer, "\"\n");
}

absl::StatusOr<ImportSummary> Import(const std::string& rows, const ImportOptions& options) {
  std::istringstream in(kHeader + rows);
  absl::StatusOr<ImportReader> reader =
      ImportReader::Open(in, ImportFormat::kCsv, "p1", FindInstrument);
  EXPECT_OK(reader);
  return RunImport(*reader, options);
}

TEST(RunImportTest, SendsEachRowOnceAndAnEpisodesRowsInOrder) {
  std::string rows;
  std::map<std::string, std::vector<std::string>> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string episode = absl::StrCat("e", i % 7);
    rows += CsvRow(absl::StrCat("a", i), episode, i % 4);
    expected["practices/p1/episodes/" + episode].push_back(absl::StrCat("a", i));
  }
  FakeService service;
  ASSERT_OK_AND_ASSIGN(const ImportSummary summary, Import(rows, service.Options(8)));
  EXPECT_EQ(summary.rows, 500);
  EXPECT_EQ(summary.stored, 500);
  EXPECT_EQ(summary.failed, 0);
  EXPECT_EQ(service.order_, expected);
  EXPECT_EQ(service.last_, 500);
}

TEST(RunImportTest, ARefusedRowDoesNotStopTheOthers) {
  FakeService service;
  service.FailOnce("a1", absl::FailedPreconditionError("the episode is closed"));
  ASSERT_OK_AND_ASSIGN(
      const ImportSummary summary,
      Import(CsvRow("a0", "e1", 1) + CsvRow("a1", "e1", 1) + "broken\n" + CsvRow("a2", "e1", 1),
             service.Options(2)));
  EXPECT_EQ(summary.rows, 4);
  EXPECT_EQ(summary.stored, 2);
  EXPECT_EQ(summary.failed, 2);
  EXPECT_THAT(service.failures_, ::testing::UnorderedElementsAre(HasSubstr("3 the episode"),
                                                                 HasSubstr("4 the row has 1")));
}

TEST(RunImportTest, WhatStandsThereAlreadyCountsOnlyWhenItIsTheSame) {
  FakeService service;
  ASSERT_OK(Import(CsvRow("same", "e1", 1) + CsvRow("other", "e1", 1), service.Options(1)));
  ASSERT_OK_AND_ASSIGN(
      const ImportSummary summary,
      Import(CsvRow("same", "e1", 1) + CsvRow("other", "e1", 2), service.Options(1)));
  EXPECT_EQ(summary.stored, 0);
  EXPECT_EQ(summary.existed, 1);
  EXPECT_THAT(service.failures_, ElementsAre(HasSubstr("3 practices/p1/assessments/other")));
}

TEST(RunImportTest, AnAmendedAssessmentIsStillTheRowsOwn) {
  FakeService service;
  ASSERT_OK(Import(CsvRow("a1", "e1", 1), service.Options(1)));
  v1::Assessment& stored = service.stored_["practices/p1/assessments/a1"];
  v1::AssessmentRevision& before = *stored.add_revisions();
  *before.mutable_answers() = stored.answers();
  *before.mutable_answered_time() = stored.answered_time();
  stored.mutable_answers(0)->set_value(3);
  ASSERT_OK_AND_ASSIGN(const ImportSummary summary,
                       Import(CsvRow("a1", "e1", 1), service.Options(1)));
  EXPECT_EQ(summary.existed, 1);
}

TEST(RunImportTest, AnOverloadedServerIsAskedAgain) {
  FakeService service;
  service.FailOnce("a1", WithRetryAfter(MakeError(absl::StatusCode::kResourceExhausted,
                                                  Reason::kOverloaded, "too many calls"),
                                        absl::Milliseconds(1)));
  ASSERT_OK_AND_ASSIGN(const ImportSummary summary,
                       Import(CsvRow("a1", "e1", 1), service.Options(4)));
  EXPECT_EQ(summary.stored, 1);
  EXPECT_THAT(service.failures_, IsEmpty());
}

TEST(RunImportTest, WhatWouldRefuseEveryRowEndsTheRun) {
  FakeService service;
  service.FailOnce("a1", absl::UnauthenticatedError("the token has expired"));
  std::string rows = CsvRow("a0", "e1", 1) + CsvRow("a1", "e1", 1);
  for (int i = 2; i < 200; ++i) {
    rows += CsvRow(absl::StrCat("a", i), "e1", 1);
  }
  const absl::StatusOr<ImportSummary> summary = Import(rows, service.Options(1));
  EXPECT_EQ(summary.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(summary.status().message(), HasSubstr("line 3: the token has expired"));
  EXPECT_THAT(service.order_["practices/p1/episodes/e1"], ElementsAre("a0"));
}

}  // namespace
}  // namespace securebase::cli
