#include "clients/cli/online/online.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <set>
#include <sstream>
#include <thread>

#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "clients/cli/cli.h"
#include "clients/cli/online/batch.h"
#include "clients/cli/online/comments.h"
#include "clients/cli/online/connection.h"
#include "clients/cli/online/connection_error.h"
#include "clients/cli/online/fields.h"
#include "clients/cli/online/reference.h"
#include "clients/cli/online/render.h"
#include "clients/cli/online/verbs.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "securebase/episodes/v1/episodes_service.pb.h"
#include "securebase/goals/v1/goals_service.pb.h"
#include "securebase/outcomes/v1/outcomes_service.pb.h"
#include "services/platform/auth/dev_pki.h"
#include "services/platform/auth/file.h"
#include "services/platform/auth/tls_files.h"
#include "services/platform/base/error.h"
#include "tests/testing/golden.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temporary_folder.h"

namespace securebase::cli {
namespace {

using ::securebase::testing::ExpectGolden;
using ::securebase::testing::ExpectRepositoryFile;
using ::securebase::testing::HasViolation;
using ::securebase::testing::TemporaryFolder;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

namespace episodes = securebase::episodes::v1;

// `securebase dev-setup FOLDER`: what it says.
std::string DevSetup(const std::string& folder) {
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  EXPECT_EQ(RunCli({"dev-setup", folder}, console, {AddDevSetupCommand}), 0) << out.str();
  return out.str();
}

TEST(DevSetupTest, KeepsWhatIsThereAndRenewsCertificatesAboutToEnd) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& name) {
    return auth::ReadFile(folder.PathOf(name), auth::Secrecy::kPublic)->bytes;
  };
  EXPECT_THAT(DevSetup(folder.path()), HasSubstr("a token key, a keyring, TLS certificates"));
  const std::string keys = read("token-key.pem") + read("jwks.json") + read("keyring.json");
  const std::string certificates = read("server.crt") + read("client.crt") + read("ca.crt");
  EXPECT_THAT(DevSetup(folder.path()), HasSubstr("are kept"));
  EXPECT_EQ(read("server.crt") + read("client.crt") + read("ca.crt"), certificates);

  ASSERT_OK(
      auth::WriteDevPki(folder.path(), {"plans", "goals", "client"}, absl::Now(), absl::Hours(1)));
  EXPECT_THAT(DevSetup(folder.path()), EndsWith(": TLS certificates.\n"));
  EXPECT_GT(*auth::ChainExpiry(folder.PathOf("client.crt")), absl::Now() + absl::Hours(48));
  EXPECT_EQ(read("token-key.pem") + read("jwks.json") + read("keyring.json"), keys);
}

TEST(VerbsTest, EveryRpcHasOneAndTheTableIsTheGoldenOne) {
  const std::vector<Verb> verbs = MakeVerbs(AllServices());
  std::set<std::string> names;
  size_t methods = 0;
  for (const auto* service : AllServices()) {
    methods += static_cast<size_t>(service->method_count());
  }
  for (const Verb& verb : verbs) {
    EXPECT_TRUE(names.insert(verb.resource + " " + verb.verb).second)
        << verb.resource << " " << verb.verb << " is called alike twice";
    EXPECT_FALSE(Summary(verb).empty()) << verb.method->full_name();
  }
  EXPECT_EQ(verbs.size(), methods);
  ExpectGolden("cli/verbs.txt", FormatVerbs(verbs));
}

TEST(ReferenceTest, DocumentationIsCurrent) {
  for (const std::string package : {"episodes", "goals", "outcomes", "plans", "type"}) {
    ExpectRepositoryFile("docs/api/" + package + ".md",
                         ApiReference("securebase." + package + ".v1"));
  }
  ExpectRepositoryFile("docs/errors.md", ErrorCatalogue());
  ExpectRepositoryFile("docs/scopes.md", ScopeTable());
}

TEST(ReferenceTest, WhatHasNoneIsRefused) {
  std::ostringstream out;
  std::ostringstream error;
  Console console{out, error, false, absl::OkStatus()};
  EXPECT_EQ(RunCli({"reference", "nope"}, console, {AddReferenceCommand}), 2);
  EXPECT_EQ(out.str(), "");
  EXPECT_THAT(error.str(), HasSubstr("no reference of \"nope\"; choose securebase.episodes.v1, "));
}

TEST(CommentsTest, FindsCommentsOfEveryKind) {
  EXPECT_THAT(CommentOf("securebase.episodes.v1.EpisodesService"), HasSubstr("safety holds"));
  EXPECT_THAT(CommentOf("securebase.episodes.v1.EpisodesService.GetEpisode"),
              HasSubstr("Reads one."));
  EXPECT_EQ(CommentOf("securebase.episodes.v1.EPISODE_KIND_COUPLE"), "Two partners.");
  EXPECT_EQ(CommentOf("securebase.episodes.v1.Episode.uid"), "Unique for ever, unlike a name.");
  EXPECT_EQ(CommentOf("securebase.episodes.v1.no_such_thing"), "");
}

class FieldsTest : public ::testing::Test {
 protected:
  // A path from dotted names.
  FieldPath Path(const google::protobuf::Descriptor* type, const std::vector<std::string>& names) {
    FieldPath path;
    for (const std::string& name : names) {
      path.push_back(type->FindFieldByName(name));
      type = path.back()->message_type();
    }
    return path;
  }
  absl::Status Set(google::protobuf::Message& message, const std::vector<std::string>& names,
                   const std::string& text) {
    return SetFromText(message, Path(message.GetDescriptor(), names), text, "p1");
  }
};

TEST_F(FieldsTest, TakesShortForms) {
  episodes::CreateEpisodeRequest request;
  ASSERT_OK(Set(request, {"parent"}, ""));
  ASSERT_OK(Set(request, {"episode", "kind"}, "caregiver-child"));
  ASSERT_OK(Set(request, {"episode", "start_time"}, "2026-03-01"));
  ASSERT_OK(Set(request, {"episode", "external_identifiers"}, "urn:ehr|E1"));
  ASSERT_OK(Set(request, {"episode", "participants"},
                R"({"id": "anna", "role": "PARTICIPANT_ROLE_CLIENT"})"));
  EXPECT_EQ(request.parent(), "practices/p1");
  EXPECT_EQ(request.episode().kind(), episodes::EPISODE_KIND_CAREGIVER_CHILD);
  EXPECT_EQ(request.episode().start_time().seconds(), 1772366400);  // noon
  EXPECT_EQ(request.episode().external_identifiers(0).value(), "E1");
  EXPECT_EQ(request.episode().participants(0).role(), episodes::PARTICIPANT_ROLE_CLIENT);
}

TEST_F(FieldsTest, CompletesNames) {
  EXPECT_EQ(*CompleteName("practices/{practice}/plans/{plan}/revisions/{revision}", "a/2", "p1"),
            "practices/p1/plans/a/revisions/2");
  EXPECT_EQ(*CompleteName("practices/{practice}/plans/{plan}", "practices/p2/plans/b", "p1"),
            "practices/p2/plans/b");
  EXPECT_THAT(
      std::string(
          CompleteName("practices/{practice}/plans/{plan}", "a/2", "p1").status().message()),
      HasSubstr("practices/{practice}/plans/{plan}"));
}

TEST_F(FieldsTest, RefusalsNameTheFieldAndWhatFits) {
  episodes::CreateEpisodeRequest request;
  const absl::Status status = Set(request, {"episode", "kind"}, "trio");
  EXPECT_THAT(status, HasViolation("kind"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("couple"));
  EXPECT_THAT(Set(request, {"planned"}, "perhaps"), HasViolation("planned"));
  EXPECT_THAT(Set(request, {"episode", "treatment_contacts"}, "many"),
              HasViolation("treatment_contacts"));
  EXPECT_THAT(Set(request, {"episode", "start_time"}, "yesterday"), HasViolation("start_time"));
  EXPECT_THAT(Set(request, {"episode", "participants"}, "anna"), HasViolation("participants"));
}

TEST(BatchTest, ReadsWordsQuotesContinuationsAndDays) {
  const auto lines = ParseBatch(
      "# a comment\n\nepisodes create --json '{\"a b\": 1}' \\\n  --start {day+7}\n"
      "as=dr-a goals list --x \"\"\n",
      "2026-02-27");
  ASSERT_OK(lines);
  ASSERT_EQ(lines->size(), 2u);
  EXPECT_EQ((*lines)[0].number, 3);
  EXPECT_THAT((*lines)[0].arguments,
              ElementsAre("episodes", "create", "--json", "{\"a b\": 1}", "--start", "2026-03-06"));
  EXPECT_EQ((*lines)[1].as, "dr-a");
  EXPECT_THAT((*lines)[1].arguments, ElementsAre("goals", "list", "--x", ""));
}

TEST(BatchTest, SaysWhichLinesWerePassedOver) {
  EXPECT_EQ(PassedOverText({}), "");
  EXPECT_THAT(PassedOverText({7}), HasSubstr("1 of them passed over"));
  EXPECT_THAT(PassedOverText({7}), EndsWith(": line 7"));
  EXPECT_THAT(PassedOverText({7, 12}), EndsWith(": lines 7, 12"));
}

TEST(BatchTest, ErrorsNameTheLine) {
  EXPECT_THAT(std::string(ParseBatch("\ngoals list 'x\n", "").status().message()),
              HasSubstr("line 2"));
  EXPECT_THAT(std::string(ParseBatch("goals list {day}\n", "").status().message()),
              HasSubstr("--start"));
  EXPECT_THAT(std::string(ParseBatch("caseload\n", "").status().message()), HasSubstr("line 1"));
}

TEST(CompletionTest, OffersCommandsAndFlags) {
  CLI::App app("", "securebase");
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  AddOnlineCommands(app, console);
  EXPECT_THAT(CompletionsFor(app, {"goa"}), ElementsAre("goals"));
  EXPECT_THAT(CompletionsFor(app, {"goals", "ra"}), ElementsAre("rate"));
  EXPECT_THAT(CompletionsFor(app, {"goals", "rate", "--val"}), ElementsAre("--value"));
  EXPECT_THAT(CompletionsFor(app, {"goals", "rate", "x"}), IsEmpty());
}

TEST(CompletionTest, OffersTheValuesOfAFlag) {
  CLI::App app("", "securebase");
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  AddOnlineCommands(app, console);
  AddTokenCommand(app, console);
  EXPECT_THAT(CompletionsFor(app, {"episodes", "create", "--kind", ""}),
              ElementsAre("individual", "couple", "family", "caregiver-child"));
  EXPECT_THAT(CompletionsFor(app, {"episodes", "create", "--kind", "c"}),
              ElementsAre("couple", "caregiver-child"));
  EXPECT_THAT(CompletionsFor(app, {"episodes", "create", "--kind", "=", "fa"}),
              ElementsAre("family"));
  EXPECT_THAT(CompletionsFor(app, {"episodes", "create", "--kind", "="}).size(), 4);
  EXPECT_THAT(CompletionsFor(app, {"alerts", "list", "--states", "open,a"}),
              ElementsAre("open,acknowledged"));
  EXPECT_THAT(CompletionsFor(app, {"episodes", "list", "--output", "j"}), ElementsAre("json"));
  EXPECT_THAT(CompletionsFor(app, {"token", "--kind", "s"}), ElementsAre("system", "staff"));
  EXPECT_THAT(CompletionsFor(app, {"episodes", "create", "--etag", ""}), IsEmpty());
  EXPECT_THAT(CompletionsFor(app, {"episodes", "list", "--all", "--outp"}),
              ElementsAre("--output"));
}

std::string HelpOf(const std::vector<std::string>& command) {
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  std::vector<std::string> arguments = command;
  arguments.push_back("--help");
  EXPECT_EQ(RunCli(arguments, console, {AddOnlineCommands}), 0);
  return out.str();
}

TEST(HelpTest, SaysHowEveryValueIsWritten) {
  const std::string help = HelpOf({"episodes", "create"});
  EXPECT_THAT(help, HasSubstr("--kind individual|couple|family|caregiver-child"));
  EXPECT_THAT(help, HasSubstr("--planned true|false"));
  EXPECT_THAT(help, HasSubstr("--start-time TIME"));
  EXPECT_THAT(help, HasSubstr("--external-identifiers SYSTEM|VALUE"));
  EXPECT_THAT(help, HasSubstr("--participants JSON"));
  EXPECT_THAT(help,
              ContainsRegex("JSON with id, [a-z_, ]*; or @FILE. Give the flag once for each"));
  EXPECT_THAT(help, Not(HasSubstr("VALUE ...")));
  EXPECT_THAT(HelpOf({"goals", "update"}), HasSubstr("--update-mask FIELD,..."));
  EXPECT_THAT(HelpOf({"assessments", "submit"}), HasSubstr("--answers ANSWER,..."));
}

class ProfileTest : public ::testing::Test {
 protected:
  absl::Status Read(const std::string& text) {
    options_.profile = folder_.Write("client.env", text);
    return Complete(options_);
  }
  std::string Error(const std::string& text) {
    const absl::Status status = Read(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return absl::StrReplaceAll(status.message(), {{folder_.path(), "DIR"}});
  }

  const TemporaryFolder folder_;
  ConnectionOptions options_;
};

TEST_F(ProfileTest, SetsWhatFlagsLeaveOpen) {
  options_.goals_address = "flag:1";
  ASSERT_OK(
      Read("# mine\n\nSECUREBASE_PRACTICE=p1\nSECUREBASE_TOKEN = a=b \nSECUREBASE_TIMEOUT=5s\n"
           "SECUREBASE_GOALS_ADDRESS=profile:1\nSECUREBASE_PLAINTEXT=true\n"));
  EXPECT_EQ(options_.practice, "p1");
  EXPECT_EQ(options_.token, "a=b");
  EXPECT_EQ(options_.timeout, "5s");
  EXPECT_EQ(options_.goals_address, "flag:1");
  EXPECT_TRUE(options_.plaintext);
}

TEST_F(ProfileTest, AFlagBeatsItsTimeoutAndWithoutAnyItIs30s) {
  options_.timeout = "1m";
  ASSERT_OK(Read("SECUREBASE_PRACTICE=p1\nSECUREBASE_TOKEN=t\nSECUREBASE_TIMEOUT=5s\n"));
  EXPECT_EQ(options_.timeout, "1m");
  options_ = {};
  ASSERT_OK(Read("SECUREBASE_PRACTICE=p1\nSECUREBASE_TOKEN=t\n"));
  EXPECT_EQ(options_.timeout, "30s");
  EXPECT_FALSE(options_.plaintext);
}

TEST_F(ProfileTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(Error("SECUREBASE_PRACTISE=p1\n"),
            "DIR/client.env:1: a profile has no SECUREBASE_PRACTISE; did you mean "
            "\"SECUREBASE_PRACTICE\"?");
  EXPECT_THAT(Error("\nHOME=x\n"), HasSubstr("client.env:2: a profile has no HOME; it knows "));
  const std::string line = Error("eyJhbGciOi\n");
  EXPECT_THAT(line, HasSubstr("client.env:1: write NAME=value"));
  EXPECT_THAT(line, Not(HasSubstr("eyJ")));
  EXPECT_THAT(Error("SECUREBASE_PRACTICE=p\nSECUREBASE_TOKEN=t\nSECUREBASE_TIMEOUT=soon\n"),
              HasSubstr("SECUREBASE_TIMEOUT"));
  EXPECT_THAT(Error("SECUREBASE_PRACTICE=p\nSECUREBASE_TOKEN=t\nSECUREBASE_PLAINTEXT=perhaps\n"),
              HasSubstr("SECUREBASE_PLAINTEXT"));
}

TEST_F(ProfileTest, AFolderIsNone) {
  options_.profile = folder_.path();
  EXPECT_THAT(std::string(Complete(options_).message()), HasSubstr("is a folder; name the file"));
  options_ = {};
  options_.practice = "p1";
  options_.token_file = folder_.path();
  EXPECT_THAT(std::string(Complete(options_).message()), HasSubstr("is a folder; name the file"));
}

// What gRPC says, and a part of what a person reads.
TEST(ConnectionErrorTest, SaysWhatToDo) {
  ConnectionOptions options;
  options.ca_file = "ca.crt";
  options.timeout = "4s";
  const std::string failing =
      "connections to all backends failing; last error: UNKNOWN: ipv4:h:1: ";
  const auto explained = [&](const std::string& message) {
    return ExplainConnectionError(absl::UnavailableError(message), "h:1", options);
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {failing + "Tls handshake failed: SSL_ERROR_SSL: error:0A000086:SSL routines::certificate "
                 "verify failed",
       "the certificate of h:1 is not signed by ca.crt"},
      {failing + "Custom verification check failed with error: UNAUTHENTICATED: Hostname "
                 "Verification Check failed.",
       "the certificate of h:1 is for other names"},
      {failing + "Tls handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL routines::wrong version "
                 "number",
       "h:1 does not talk TLS"},
      {failing + "Cannot check peer: missing selected ALPN property.", "no Securebase service"},
      {failing + "Failed to connect to remote host: Connection refused", "nobody listens on h:1"},
      {"DNS resolution failed for h:1: C-ares status is not ARES_SUCCESS qtype=AAAA name=h "
       "is_balancer=0: Domain name not found",
       "the name in h:1 cannot be found"},
      {failing + "Handshake read failed", "accepts connections and does not answer"},
      {failing + "Socket closed", "it asks for a client certificate; give --certificate and --key"},
      {"Socket closed", "broke off before there was an answer"},
  };
  for (const auto& [message, text] : cases) {
    const absl::Status status = explained(message);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(status.message()), HasSubstr(text)) << message;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("ipv4"))) << message;
  }
  EXPECT_THAT(std::string(ExplainConnectionError(absl::DeadlineExceededError("Deadline Exceeded"),
                                                 "h:1", options)
                              .message()),
              HasSubstr("no answer from h:1 within 4s"));
  options.certificate_file = "client.crt";
  EXPECT_THAT(std::string(explained(failing + "Socket closed").message()),
              HasSubstr("does not accept the client certificate client.crt"));
  options.plaintext = true;
  EXPECT_THAT(std::string(explained(failing + "Socket closed").message()),
              HasSubstr("leave out --plaintext"));
}

// Offers its certificate to one caller.
class TlsServer {
 public:
  explicit TlsServer(const auth::TlsFiles& files)
      : context_(SSL_CTX_new(TLS_server_method())), listener_(BIO_new_accept("127.0.0.1:0")) {
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_, files.certificate.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_, files.key.c_str(), SSL_FILETYPE_PEM), 1);
    EXPECT_EQ(BIO_do_accept(listener_), 1);  // the first only listens
    thread_ = std::thread([this] {
      if (BIO_do_accept(listener_) != 1) {
        return;
      }
      SSL* ssl = SSL_new(context_);
      BIO* connection = BIO_pop(listener_);
      SSL_set_bio(ssl, connection, connection);
      SSL_accept(ssl);
      SSL_free(ssl);
    });
  }
  ~TlsServer() {
    thread_.join();
    BIO_free_all(listener_);
    SSL_CTX_free(context_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string address() const { return absl::StrCat("127.0.0.1:", BIO_get_accept_port(listener_)); }

 private:
  SSL_CTX* const context_;
  BIO* const listener_;
  std::thread thread_;
};

TEST(ConnectionErrorTest, TellsWhyACertificateIsNotTrusted) {
  const TemporaryFolder good;
  const TemporaryFolder old;
  const TemporaryFolder early;
  const absl::Time now = absl::Now();
  ASSERT_OK_AND_ASSIGN(const auto of_good,
                       auth::WriteDevPki(good.path(), {"c"}, now, absl::Hours(2)));
  ASSERT_OK_AND_ASSIGN(const auto of_old,
                       auth::WriteDevPki(old.path(), {"c"}, now - absl::Hours(48), absl::Hours(2)));
  ASSERT_OK_AND_ASSIGN(
      const auto of_early,
      auth::WriteDevPki(early.path(), {"c"}, now + absl::Hours(48), absl::Hours(2)));
  const auto explained = [&](const auth::TlsFiles& server, const std::string& ca_file) {
    const TlsServer offers(server);
    ConnectionOptions options;
    options.ca_file = ca_file;
    return absl::StrReplaceAll(
        ExplainConnectionError(absl::UnavailableError("certificate verify failed"),
                               offers.address(), options)
            .message(),
        {{offers.address(), "ADDRESS"}, {ca_file, "CA"}});
  };
  EXPECT_THAT(explained(of_old.server, old.PathOf("ca.crt")),
              StartsWith("the certificate of ADDRESS has expired; have it renewed"));
  EXPECT_THAT(explained(of_early.server, early.PathOf("ca.crt")),
              StartsWith("the certificate of ADDRESS is not valid yet; set the clocks"));
  EXPECT_THAT(explained(of_good.server, old.PathOf("ca.crt")),
              StartsWith("the certificate of ADDRESS is not signed by CA; give the file"));
}

TEST(ConnectionErrorTest, WhatTheServiceSaysStays) {
  const absl::Status status = MakeError(absl::StatusCode::kUnavailable, Reason::kStoreUnavailable,
                                        "the store says Connection refused; retry");
  EXPECT_EQ(ExplainConnectionError(status, "h:1", {}), status);
  const absl::Status unknown = absl::UnavailableError("something new");
  EXPECT_EQ(ExplainConnectionError(unknown, "h:1", {}), unknown);
}

// gRPC's words may change with its release; this connects for real.
TEST(ConnectionErrorTest, NobodyListens) {
  const TemporaryFolder folder;
  std::ostringstream out;
  std::ostringstream error;
  Console console{out, error, false, absl::OkStatus()};
  EXPECT_EQ(RunCli({"episodes", "list", "--practice", "p1", "--token", "t", "--plaintext",
                    "--outcomes-address", "127.0.0.1:1"},
                   console, {AddOnlineCommands}),
            1);
  EXPECT_EQ(error.str(),
            "securebase: nobody listens on 127.0.0.1:1; start the service, or correct the "
            "address\n");
}

TEST(RenderTest, DrawsASeriesWithItsVerdict) {
  outcomes::v1::GetSeriesResponse response;
  auto& series = *response.mutable_series();
  series.set_name("practices/p1/series/s1");
  series.set_instrument("practices/p1/instruments/phq-9");
  series.set_instrument_version(1);
  series.set_subject("anna");
  series.set_informant("anna");
  auto& scale = *series.add_scales();
  scale.set_scale("total");
  auto& verdict = *scale.mutable_verdict();
  verdict.set_scale("total");
  verdict.set_verdict(outcomes::v1::VERDICT_RECOVERED);
  verdict.set_from(18);
  verdict.set_to(6.5);
  verdict.set_difference(-11.5);
  verdict.set_threshold(6);
  verdict.set_comparator(outcomes::v1::COMPARATOR_AT_LEAST);
  verdict.mutable_cut_off()->set_value(10);
  verdict.mutable_cut_off()->set_clinical(outcomes::v1::COMPARATOR_AT_LEAST);
  verdict.set_policy("nhs");
  verdict.set_approved_norm("practices/p1/norms/ours");
  verdict.set_approved_by("dr-lee");
  int day = 0;
  for (const double value : {18.0, 12.0, 6.5}) {
    auto& point = *response.add_points();
    point.mutable_answered_time()->set_seconds(1772366400 + 604800 * day++);
    point.set_baseline(value == 18);
    auto& at = *point.add_scales();
    at.set_scale("total");
    at.set_value(value);
    at.set_status(value == 6.5 ? outcomes::v1::SCALE_STATUS_PRORATED
                               : outcomes::v1::SCALE_STATUS_SCORED);
    at.set_band(value == 18 ? "moderately severe" : "mild");
  }
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  Render(console, response);
  ExpectGolden("cli/series.txt", out.str());
}

TEST(RenderTest, ListsAsATableAndOneAsFields) {
  episodes::ListEpisodesResponse list;
  auto& episode = *list.add_episodes();
  episode.set_name("practices/p1/episodes/e1");
  episode.set_kind(episodes::EPISODE_KIND_COUPLE);
  episode.set_status(episodes::EPISODE_STATUS_ON_HOLD);
  episode.add_participants()->set_id("anna");
  episode.add_participants()->set_id("ben");
  list.set_next_page_token("t");
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  Render(console, list);
  Render(console, episode);
  ExpectGolden("cli/episodes.txt", out.str());
}

TEST(RenderTest, ZeroIsAFinding) {
  outcomes::v1::Assessment assessment;
  auto& answer = *assessment.add_answers();
  answer.set_item("1");
  answer.set_value(0);
  auto& result = *assessment.mutable_result();
  auto& scale = *result.add_scales();
  scale.set_id("total");
  auto& contribution = *scale.mutable_derivation()->add_contributions();
  contribution.set_item("1");
  contribution.set_value(0);
  auto& used = *result.mutable_derivation()->add_answers();
  used.set_item("2");
  used.set_value(0);
  std::ostringstream out;
  Console console{out, out, false, absl::OkStatus()};
  Render(console, assessment);
  EXPECT_THAT(out.str(), HasSubstr("answers\n  item: 1\n  value: 0\n"));
  EXPECT_THAT(out.str(), HasSubstr("contributions\n        item: 1\n        value: 0\n"));
  EXPECT_THAT(out.str(), HasSubstr("answers\n      item: 2\n      value: 0\n"));
  EXPECT_THAT(out.str(), Not(HasSubstr("version")));
}

TEST(JsonProblemTest, DoesNotQuoteTheInput) {
  securebase::goals::v1::Goal goal;
  for (const char* json :
       {R"({"statement" "Jane Doe"})", R"({"achievement": {"status": "Jane Doe"}})",
        R"({"description": Jane Doe})", R"({"statement": ["Jane Doe"]})",
        "{\"statement\": \"Jane"}) {
    const auto status = google::protobuf::util::JsonStringToMessage(json, &goal);
    ASSERT_FALSE(status.ok()) << json;
    const std::string problem = JsonProblem(std::string(status.message()));
    EXPECT_THAT(problem, Not(HasSubstr("Jane")));
    EXPECT_THAT(problem, Not(HasSubstr("\n")));
    EXPECT_THAT(problem, Not(IsEmpty()));
  }
}

TEST(RenderTest, TextsOfOthersCannotCommandTheTerminal) {
  std::ostringstream out;
  Console console{out, out, true, absl::OkStatus()};
  ::securebase::goals::v1::ListGoalsResponse list;
  list.add_goals()->set_statement(
      "\x1b]0;owned\x07 \xc2\x9b"
      "2J \x7f\r\nfäke row");
  Render(console, list);
  ::securebase::goals::v1::Goal goal = list.goals(0);
  goal.set_statement(goal.statement() + "\n\tsecond line");
  Render(console, goal);
  std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("\\x1b]0;owned\\x07 \\x9b2J \\x7f\\x0d\\x0afäke row"));
  EXPECT_THAT(text, HasSubstr("\n\tsecond line"));
  // What is left of escape sequences are our own colours.
  EXPECT_THAT(text, Not(HasSubstr("\x1b]")));
  for (const char* other : {"\x07", "\r", "\x7f", "\xc2\x9b"}) {
    EXPECT_THAT(text, Not(HasSubstr(other)));
  }
}

TEST(RenderTest, SparklineSpansItsRange) {
  EXPECT_EQ(Sparkline({0, 5, 10}, 0, 10), "▁▄█");
  EXPECT_EQ(Sparkline({3, 3}, 3, 3), "▁▁");
}

}  // namespace
}  // namespace securebase::cli
