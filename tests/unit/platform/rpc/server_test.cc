#include "services/platform/rpc/server.h"

#include <arpa/inet.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "securebase/testing/v1/notes_service.grpc.pb.h"
#include "services/platform/api/acting_for.h"
#include "services/platform/auth/scopes.h"
#include "services/platform/auth/tls_files.h"
#include "services/platform/base/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_server.h"
#include "tests/unit/platform/rpc/notes.h"

namespace securebase::rpc {
namespace {

using ::securebase::auth::PrincipalKind;
using ::securebase::client::CallOptions;
using ::securebase::testing::HasViolation;
using ::securebase::testing::IsError;
using ::securebase::testing::TestServer;
using ::securebase::testing::v1::GetNoteRequest;
using ::securebase::testing::v1::Note;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ResultOf;
using ::testing::SizeIs;

GetNoteRequest Request(const std::string& behave = "",
                       const std::string& name = "practices/p1/notes/n1") {
  GetNoteRequest request;
  request.set_name(name);
  request.set_behave(behave);
  return request;
}

class ServerTest : public ::testing::Test {
 protected:
  // Starts the server with these handlers for GetNote.
  void Start(NotesHandlers::Get get,
             const std::function<void(config::ServerOptions&)>& change = nullptr,
             absl::Duration handshake_time = absl::Seconds(10)) {
    server_ = std::make_unique<TestServer>(std::vector<std::string>{kNotesService}, change);
    handlers_ = std::make_unique<NotesHandlers>(std::move(get));
    std::vector<TestServer::GrpcService> services;
    services.push_back(MakeNotesService(*handlers_, server_->adapter()));
    ASSERT_OK(server_->Start(std::move(services), handshake_time));
  }

  // A handler that says in its note who calls.
  static absl::StatusOr<Note> WhoAmI(const api::Call& call, const GetNoteRequest&) {
    Note note;
    note.set_text(auth::FormatPrincipal(call.principal));
    note.set_etag(call.practice());
    return note;
  }

  absl::StatusOr<Note> Get(const CallOptions& options, const GetNoteRequest& request = Request(),
                           const std::string& client = "ehr") {
    return server_->Client(client).Call<Note>(kGetNote, options, request);
  }

  std::unique_ptr<NotesHandlers> handlers_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(ServerTest, ServesACallWithItsPrincipal) {
  Start(WhoAmI);
  ASSERT_OK_AND_ASSIGN(const Note note, Get(server_->AsStaff("dr-a")));
  EXPECT_EQ(note.text(), "staff:dr-a");
  EXPECT_EQ(note.etag(), "p1");
  ASSERT_THAT(server_->audit().records(), SizeIs(1));
  EXPECT_EQ(server_->audit().records()[0].principal, "staff:dr-a");
}

TEST_F(ServerTest, AnswersWithNothingForADelete) {
  Start(WhoAmI);
  testing::v1::DeleteNoteRequest request;
  request.set_name("practices/p1/notes/n1");
  EXPECT_OK(
      server_->Client().Call<google::protobuf::Empty>(kDeleteNote, server_->AsSystem(), request));
}

TEST_F(ServerTest, RefusesEveryOtherIdentity) {
  Start(WhoAmI);
  EXPECT_THAT(Get(CallOptions()),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
  CallOptions options;
  options.token = "eyJhbGciOiJub25lIn0.e30.";
  EXPECT_THAT(Get(options), IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
  options = server_->AsStaff("dr-a");
  options.token.pop_back();
  EXPECT_THAT(Get(options), IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
  options.token = std::string(5000, 'x');
  EXPECT_THAT(Get(options), IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
  options = server_->AsStaff("dr-a");
  server_->clock().Advance(absl::Minutes(16));
  EXPECT_THAT(Get(options), IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenExpired));
  EXPECT_THAT(Get(server_->AsStaff("dr-a", "user/Other.r")),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kScopeMissing));
  EXPECT_THAT(Get(server_->AsStaff("dr-a", "user/*.cruds", "p2")),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPracticeMismatch));
  EXPECT_OK(Get(server_->AsParticipant("pat-1")));
  testing::v1::ListNotesRequest list;
  list.set_parent("practices/p1");
  EXPECT_THAT(server_->Client().Call<testing::v1::ListNotesResponse>(
                  kListNotes, server_->AsParticipant("pat-1"), list),
              IsError(absl::StatusCode::kPermissionDenied, Reason::kPrincipalNotAllowed));
}

TEST_F(ServerTest, AServiceActsForAPrincipal) {
  Start(WhoAmI);
  auth::Principal principal;
  principal.practice = "p1";
  principal.kind = PrincipalKind::kStaff;
  principal.subject = "dr-a";
  principal.grants = auth::ParseScopes("user/Note.r", principal.kind);
  CallOptions options;
  options.acting_for = api::ToActingFor(principal);
  ASSERT_OK_AND_ASSIGN(const Note note, Get(options, Request(), "plans"));
  EXPECT_EQ(note.text(), "staff:dr-a via plans");
  // "ehr" has a certificate of the same authority, but is no service.
  EXPECT_THAT(Get(options, Request(), "ehr"),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
  options.token = server_->AsStaff("dr-b").token;
  EXPECT_THAT(Get(options, Request(), "plans"),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenInvalid));
}

TEST_F(ServerTest, IdentityDoesNotLeakBetweenCallsOfOneConnection) {
  Start(WhoAmI);
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK_AND_ASSIGN(const Note a, Get(server_->AsStaff("dr-a")));
    EXPECT_EQ(a.text(), "staff:dr-a");
    EXPECT_THAT(Get(CallOptions()),
                IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
    ASSERT_OK_AND_ASSIGN(const Note b, Get(server_->AsSystem()));
    EXPECT_EQ(b.text(), "system:ehr");
  }
}

TEST_F(ServerTest, AClientWithoutCertificateIsNotServed) {
  Start(WhoAmI);
  client::ChannelOptions channel = server_->ChannelOptions();
  channel.certificate_file.clear();
  channel.key_file.clear();
  ASSERT_OK_AND_ASSIGN(const auto client, client::MakeClient(channel));
  CallOptions options = server_->AsSystem();
  options.deadline = absl::Now() + absl::Seconds(5);
  EXPECT_FALSE(client->Call<Note>(kGetNote, options, Request()).ok());
  EXPECT_THAT(server_->log().text(), Not(HasSubstr("system:ehr")));
}

TEST_F(ServerTest, AClientTrustsOnlyItsAuthority) {
  Start(WhoAmI);
  testing::TemporaryFolder folder;
  ASSERT_OK_AND_ASSIGN(const auth::DevPki other,
                       auth::WriteDevPki(folder.path(), {"ehr"}, absl::Now(), absl::Hours(1)));
  client::ChannelOptions channel = server_->ChannelOptions();
  channel.ca_file = other.server.ca;
  ASSERT_OK_AND_ASSIGN(const auto client, client::MakeClient(channel));
  CallOptions options = server_->AsSystem();
  options.deadline = absl::Now() + absl::Seconds(5);
  EXPECT_FALSE(client->Call<Note>(kGetNote, options, Request()).ok());
}

TEST_F(ServerTest, AClientChecksTheServersName) {
  Start(WhoAmI, [](config::ServerOptions& options) {
    const std::string folder = options.jwks.substr(0, options.jwks.rfind('/'));
    const auto ca = auth::DevCa::Make(absl::Now(), absl::Hours(1));
    const auto issued = ca->IssueServer({"somewhere.example.org"});
    EXPECT_OK(auth::WritePrivateFile(folder + "/ca.crt", ca->certificate_pem()));
    EXPECT_OK(auth::WritePrivateFile(folder + "/server.crt", issued->certificate_pem));
    EXPECT_OK(auth::WritePrivateFile(folder + "/server.key", issued->key_pem));
    const auto client = ca->IssueClient({"ehr"});
    EXPECT_OK(auth::WritePrivateFile(folder + "/ehr.crt", client->certificate_pem));
    EXPECT_OK(auth::WritePrivateFile(folder + "/ehr.key", client->key_pem));
  });
  CallOptions options = server_->AsSystem();
  options.deadline = absl::Now() + absl::Seconds(5);
  EXPECT_FALSE(Get(options).ok());
}

// Through gRPC itself, for what our client does not send or show.
std::unique_ptr<testing::v1::NotesService::Stub> MakeStub(const TestServer& server) {
  grpc::SslCredentialsOptions ssl;
  for (auto [path, text] :
       {std::pair("ca.crt", &ssl.pem_root_certs), std::pair("ehr.crt", &ssl.pem_cert_chain),
        std::pair("ehr.key", &ssl.pem_private_key)}) {
    *text = auth::ReadFile(server.folder().PathOf(path), auth::Secrecy::kPublic)->bytes;
  }
  return testing::v1::NotesService::NewStub(
      grpc::CreateChannel(server.address(), grpc::SslCredentials(ssl)));
}

TEST_F(ServerTest, EveryAnswerCarriesItsCallId) {
  Start(WhoAmI);
  const auto stub = MakeStub(*server_);
  std::set<std::string> ids;
  GetNoteRequest unreadable;
  unreadable.GetReflection()->MutableUnknownFields(&unreadable)->AddLengthDelimited(1, "\xff");
  for (const auto& [token, request] :
       {std::pair(server_->AsSystem().token, Request()), std::pair(std::string("wrong"), Request()),
        std::pair(server_->AsSystem().token, unreadable)}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    Note note;
    stub->GetNote(&context, request, &note);
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto id = trailers.find(api::kCallIdKey);
    ASSERT_NE(id, trailers.end());
    ids.insert(std::string(id->second.data(), id->second.size()));
  }
  EXPECT_THAT(ids, SizeIs(3));
  for (const std::string& id : ids) {
    EXPECT_THAT(server_->log().text(), HasSubstr(id));
  }
}

TEST_F(ServerTest, TwoTokensAreNone) {
  Start(WhoAmI);
  const auto stub = MakeStub(*server_);
  grpc::ClientContext context;
  for (const char* subject : {"dr-a", "dr-b"}) {
    context.AddMetadata("authorization", "Bearer " + server_->AsStaff(subject).token);
  }
  Note note;
  EXPECT_EQ(stub->GetNote(&context, Request(), &note).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(server_->log().text(), HasSubstr("TOKEN_INVALID"));
}

// Errors.

TEST_F(ServerTest, AnExceptionIsInternalWithItsCallIdAndNothingElse) {
  Start([](const api::Call&, const GetNoteRequest&) -> absl::StatusOr<Note> {
    throw std::runtime_error("Jane Doe");
  });
  const absl::Status status = Get(server_->AsSystem()).status();
  EXPECT_THAT(status, IsError(absl::StatusCode::kInternal, Reason::kInternal));
  const std::string id = MetadataOf(status)["call_id"];
  EXPECT_EQ(status.message(), "a fault of the service; report call " + id);
  EXPECT_THAT(server_->log().text(), HasSubstr(id));
  EXPECT_THAT(server_->log().text(), HasSubstr("runtime_error"));
  EXPECT_THAT(server_->log().text(), Not(HasSubstr("Jane")));
}

TEST_F(ServerTest, TheLargestErrorLeavesTheNextCallsOfItsConnectionUnharmed) {
  Start([](const api::Call&, const GetNoteRequest& request) -> absl::StatusOr<Note> {
    if (request.behave().empty()) {
      return Note();
    }
    std::vector<FieldViolation> violations;
    for (int i = 0; i < 1000; ++i) {
      violations.push_back({absl::StrCat("field[", i, "]"), std::string(100, 'x')});
    }
    return InvalidFields(violations);
  });
  for (int i = 0; i < 100; ++i) {
    const absl::Status status = Get(server_->AsSystem(), Request("fail")).status();
    ASSERT_THAT(status, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
    ASSERT_GT(ViolationsOf(status).size(), 10U);
    ASSERT_OK(Get(server_->AsSystem()).status());
  }
}

TEST_F(ServerTest, ARequestThatDoesNotParseIsRefusedWithAReasonAndHarmsNothing) {
  Start(WhoAmI);
  // Bytes that are no GetNoteRequest: its field 1 is a string, and this is not UTF-8.
  testing::v1::SummarizeNotesResponse wrong;
  wrong.GetReflection()->MutableUnknownFields(&wrong)->AddLengthDelimited(1, "\xff\xfe");
  Note note;
  const absl::Status status =
      server_->Client().CallMethod(kGetNote, server_->AsSystem(), wrong, note);
  EXPECT_THAT(status, IsError(absl::StatusCode::kInvalidArgument, Reason::kInvalidFields));
  EXPECT_THAT(std::string(status.message()), HasSubstr("UTF-8"));
  // Of strangers nothing is read.
  EXPECT_THAT(server_->Client().CallMethod(kGetNote, CallOptions(), wrong, note),
              IsError(absl::StatusCode::kUnauthenticated, Reason::kTokenMissing));
  EXPECT_OK(Get(server_->AsSystem()));
  EXPECT_THAT(server_->log().text(), HasSubstr("\"code\":\"INVALID_ARGUMENT\""));
  EXPECT_THAT(server_->log().text(), HasSubstr("\"reason\":\"INVALID_FIELDS\""));
  const std::string metrics = server_->runtime().metrics->Text();
  EXPECT_THAT(metrics, HasSubstr("securebase_calls_total{code=\"INVALID_ARGUMENT\","
                                 "method=\"/securebase.testing.v1.NotesService/GetNote\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("securebase_calls_in_flight 0\n"));
  // What protobuf says about it goes through the limited log.
  EXPECT_THAT(server_->log().text(), HasSubstr("\"msg\":\"protobuf\""));
}

TEST_F(ServerTest, WhatThisReleaseDoesNotKnowIsNeitherKeptNorGivenBack) {
  Start(WhoAmI);
  testing::v1::CreateNoteRequest request;
  request.set_parent("practices/p1");
  request.mutable_note()->set_text("known");
  request.mutable_note()->add_tags("a");
  request.mutable_note()->mutable_details()->set_summary("s");
  for (google::protobuf::Message* message : std::vector<google::protobuf::Message*>{
           &request, request.mutable_note(), request.mutable_note()->mutable_details()}) {
    message->GetReflection()->MutableUnknownFields(message)->AddLengthDelimited(
        4711, std::string(1000, 'x'));
  }
  ASSERT_OK_AND_ASSIGN(const Note note,
                       server_->Client().Call<Note>(kCreateNote, server_->AsSystem(), request));
  EXPECT_EQ(note.text(), "known");
  EXPECT_LT(note.ByteSizeLong(), 100u);
}

TEST_F(ServerTest, AServiceHasAHandlerOfItsTypesForEachOfItsMethods) {
  Start(WhoAmI);
  NotesHandlers handlers(WhoAmI);
  const auto make = [&](std::vector<Rpc> rpcs) {
    return MakeService(kNotesService, server_->adapter(), std::move(rpcs)).status();
  };
  const auto refuses = [](const std::string& text) {
    return AllOf(IsError(absl::StatusCode::kFailedPrecondition, Reason::kInternal),
                 ResultOf([](const absl::Status& status) { return std::string(status.message()); },
                          HasSubstr(text)));
  };
  EXPECT_THAT(make({SB_RPC(handlers, GetNote)}), refuses("has no handler"));
  EXPECT_THAT(make({SB_RPC(handlers, GetNote), SB_RPC(handlers, GetNote)}), refuses("bound twice"));
  EXPECT_THAT(make({Bind("Nothing", handlers, &NotesHandlers::GetNote)}), refuses("Nothing"));
  EXPECT_THAT(make({Bind("CreateNote", handlers, &NotesHandlers::GetNote)}),
              refuses("other messages"));
}

TEST_F(ServerTest, AnUnknownMethodIsUnimplemented) {
  Start(WhoAmI);
  Note note;
  EXPECT_EQ(server_->Client()
                .CallMethod("/securebase.testing.v1.NotesService/Nothing", server_->AsSystem(),
                            Request(), note)
                .code(),
            absl::StatusCode::kUnimplemented);
}

TEST_F(ServerTest, ARequestThatIsTooLargeIsRefused) {
  Start(WhoAmI, [](config::ServerOptions& options) { options.max_message_bytes = 64 << 10; });
  EXPECT_EQ(Get(server_->AsSystem(), Request(std::string(70 << 10, 'x'))).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_OK(Get(server_->AsSystem()));
}

// Time.

TEST_F(ServerTest, ACallWithoutDeadlineGetsTheDefaultAndLongOnesAreCut) {
  const absl::Time now = absl::Now();
  AdapterOptions options;
  EXPECT_EQ(EffectiveDeadline(absl::InfiniteFuture(), now, options), now + absl::Seconds(30));
  EXPECT_EQ(EffectiveDeadline(now + absl::Hours(9), now, options), now + absl::Minutes(5));
  EXPECT_EQ(EffectiveDeadline(now + absl::Seconds(2), now, options), now + absl::Seconds(2));

  absl::Time seen;
  Start([&](const api::Call& call, const GetNoteRequest&) -> absl::StatusOr<Note> {
    seen = call.deadline;
    return Note();
  });
  CallOptions call = server_->AsSystem();
  call.deadline = absl::Now() + absl::Seconds(20);
  ASSERT_OK(Get(call));
  // gRPC sends what is left, in milliseconds at best.
  EXPECT_NEAR(absl::ToDoubleSeconds(seen - call.deadline), 0, 1);
}

TEST_F(ServerTest, ACallIsAnsweredAtItsDeadlineThoughNoThreadIsFree) {
  absl::Notification started;
  absl::Notification release;
  Start(
      [&](const api::Call&, const GetNoteRequest& request) -> absl::StatusOr<Note> {
        if (request.behave() == "block") {
          started.Notify();
          release.WaitForNotification();
        }
        return Note();
      },
      [](config::ServerOptions& options) {
        options.reads = {1, 10};
      });
  auto blocked = std::async(std::launch::async,
                            [&] { return Get(server_->AsSystem(), Request("block")).status(); });
  started.WaitForNotification();
  CallOptions hasty = server_->AsSystem();
  hasty.deadline = absl::Now() + absl::Milliseconds(100);
  EXPECT_EQ(Get(hasty).status().code(), absl::StatusCode::kDeadlineExceeded);
  release.Notify();
  EXPECT_OK(blocked.get());
}

// Load.

TEST_F(ServerTest, BeyondItsQueueAPoolRefusesWithARetryDelayAndTheOtherGoesOn) {
  absl::Notification started;
  absl::Notification release;
  Start(
      [&](const api::Call&, const GetNoteRequest& request) -> absl::StatusOr<Note> {
        if (request.behave() == "block") {
          started.Notify();
        }
        release.WaitForNotification();
        return Note();
      },
      [](config::ServerOptions& options) {
        options.reads = {1, 1};
      });
  auto running = std::async(std::launch::async,
                            [&] { return Get(server_->AsSystem(), Request("block")).status(); });
  started.WaitForNotification();
  auto waiting = std::async(std::launch::async, [&] { return Get(server_->AsSystem()).status(); });
  // Whichever of the two comes first waits, and the other is refused: until the waiting one is in
  // the queue, this thread takes its place and asks again.
  absl::Status refused;
  do {
    CallOptions options = server_->AsSystem();
    options.deadline = absl::Now() + absl::Milliseconds(200);
    refused = Get(options).status();
  } while (refused.code() == absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(refused, IsError(absl::StatusCode::kResourceExhausted, Reason::kOverloaded));
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(1));
  // Writes have a pool of their own.
  testing::v1::DeleteNoteRequest remove;
  remove.set_name("practices/p1/notes/n1");
  EXPECT_OK(
      server_->Client().Call<google::protobuf::Empty>(kDeleteNote, server_->AsSystem(), remove));
  release.Notify();
  EXPECT_OK(running.get());
  const absl::Status last = waiting.get();
  EXPECT_TRUE(last.ok() || last.code() == absl::StatusCode::kResourceExhausted) << last;
}

TEST_F(ServerTest, ManyCallsAtOnceAreAllAnswered) {
  Start(WhoAmI);
  const CallOptions options = server_->AsSystem();
  client::Client& client = server_->Client();
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        answered += client.Call<Note>(kGetNote, options, Request()).ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(answered, 400);
}

// A connection of somebody who never says a word.
class SilentConnection {
 public:
  explicit SilentConnection(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in server = {};
    server.sin_family = AF_INET;
    server.sin_port = htons(static_cast<uint16_t>(port));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&server), sizeof(server)), 0);
  }
  ~SilentConnection() { close(fd_); }
  SilentConnection(const SilentConnection&) = delete;
  SilentConnection& operator=(const SilentConnection&) = delete;

  // Whether it could be sent: the server ends a connection that is one too many.
  bool Send(const std::string& bytes) const {
    return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  void EndOurSide() const { shutdown(fd_, SHUT_WR); }

  // Whether the server ends the connection within 20 s, whatever it says before.
  bool IsEnded() const {
    pollfd waiting = {fd_, POLLIN, 0};
    char bytes[1024];
    while (poll(&waiting, 1, 20'000) == 1) {
      if (read(fd_, bytes, sizeof(bytes)) <= 0) {
        return true;
      }
    }
    return false;
  }

 private:
  const int fd_;
};

TEST_F(ServerTest, SilentConnectionsAreDroppedAndThePortIsNotDeafAfterwards) {
  Start(
      WhoAmI, [](config::ServerOptions& options) { options.max_connections = 8; },
      absl::Seconds(1));
  // Twice as many as one address may have.
  std::vector<std::unique_ptr<SilentConnection>> silent;
  for (int i = 0; i < 8; ++i) {
    silent.push_back(std::make_unique<SilentConnection>(server_->server().port()));
  }
  for (const auto& connection : silent) {
    EXPECT_TRUE(connection->IsEnded());
  }
  CallOptions options = server_->AsSystem();
  options.deadline = absl::Now() + absl::Seconds(20);
  EXPECT_OK(Get(options));
}

// A frame of HTTP/2 on stream 1.
std::string Frame(char type, char flags, const std::string& payload, char stream = 1) {
  std::string frame = {0,
                       static_cast<char>(payload.size() >> 8),
                       static_cast<char>(payload.size()),
                       type,
                       flags,
                       0,
                       0,
                       0,
                       stream};
  return frame + payload;
}

// A header as HPACK has it: literal, not indexed, not compressed.
std::string Header(const std::string& name, const std::string& value) {
  return absl::StrCat(std::string(1, '\0'), std::string(1, static_cast<char>(name.size())), name,
                      std::string(1, static_cast<char>(value.size())), value);
}

TEST_F(ServerTest, CallersThatVanishHalfwayThroughLeaveNothingBehind) {
  std::atomic<int> handled = 0;
  Start(
      [&](const api::Call& call, const GetNoteRequest& request) {
        ++handled;
        return WhoAmI(call, request);
      },
      [](config::ServerOptions& options) {
        options.tls = {};
        options.allow_plaintext = true;
        options.require_client_certificate = false;
        options.peer_services.clear();
        options.max_connections = 8;
      });
  const std::string start = absl::StrCat(
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Frame(4, 0, "", 0),
      Frame(1, 4,
            absl::StrCat(Header(":method", "POST"), Header(":scheme", "http"),
                         Header(":path", kGetNote), Header(":authority", "localhost"),
                         Header("te", "trailers"), Header("content-type", "application/grpc"))));
  // The length prefix of a message of 100 bytes, and ten of them.
  const std::string half_a_message = Frame(0, 0, std::string("\0\0\0\0\x64", 5) + "0123456789");
  for (int i = 0; i < 40; ++i) {  // four may be open at a time
    std::unique_ptr<const SilentConnection> connection;
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    bool sent = false;
    while (!sent && absl::Now() < give_up) {  // until the server has noticed that others went
      connection = std::make_unique<const SilentConnection>(server_->server().port());
      sent = connection->Send(start) && (i % 2 == 1 || connection->Send(half_a_message));
    }
    ASSERT_TRUE(sent) << "what vanished still counts";
    if (i % 4 < 2) {
      connection->EndOurSide();
      EXPECT_TRUE(connection->IsEnded()) << "a connection that is half closed is closed";
    }
  }
  CallOptions options = server_->AsSystem();
  options.deadline = absl::Now() + absl::Seconds(20);
  EXPECT_OK(Get(options));
  EXPECT_EQ(handled, 1);
  EXPECT_THAT(server_->runtime().metrics->Text(), HasSubstr("securebase_calls_in_flight 0\n"));
  EXPECT_THAT(server_->log().text(), Not(HasSubstr("UNAUTHENTICATED")));

  // The same bytes up to their end are a call, which has no token.
  const SilentConnection whole(server_->server().port());
  EXPECT_TRUE(whole.Send(start + Frame(0, 1, std::string(5, '\0'))));
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  while (!absl::StrContains(server_->log().text(), "UNAUTHENTICATED") && absl::Now() < give_up) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_LT(absl::Now(), give_up) << "what vanished above was no call either";
}

TEST_F(ServerTest, ARenewedCertificateIsUsedWithoutARestart) {
  Start(WhoAmI);
  ASSERT_OK(Get(server_->AsSystem()));
  // A new authority replaces everything, so that only a server that has read it again is trusted.
  ASSERT_OK(
      auth::WriteDevPki(server_->folder().path(), {"ehr"}, absl::Now(), absl::Hours(1)).status());
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  absl::Status status;
  do {
    ASSERT_OK_AND_ASSIGN(const auto fresh, client::MakeClient(server_->ChannelOptions()));
    CallOptions options = server_->AsSystem();
    options.deadline = absl::Now() + absl::Seconds(5);
    status = fresh->Call<Note>(kGetNote, options, Request()).status();
  } while (!status.ok() && absl::Now() < give_up);
  EXPECT_OK(status);
}

TEST_F(ServerTest, BadTlsFilesLeaveTheOldOnesInUse) {
  Start(WhoAmI);
  const std::string key =
      auth::ReadFile(server_->options().tls.key, auth::Secrecy::kPrivate)->bytes;
  const auto await_log = [&](const std::string& text) {
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    while (!absl::StrContains(server_->log().text(), text) && absl::Now() < give_up) {
      absl::SleepFor(absl::Milliseconds(10));
    }
    EXPECT_THAT(server_->log().text(), HasSubstr(text));
  };
  // As who renews a certificate by opening the file to write it anew: gRPC would abort.
  server_->folder().Write("server.key", "");
  await_log("server.key: is no unencrypted PEM private key");
  await_log("\"msg\":\"reload failed, the old contents stay in use\",\"what\":\"TLS files\"");
  // Long enough for gRPC to have looked as well, it does so every two seconds.
  const absl::Time until = absl::Now() + absl::Milliseconds(2500);
  do {
    ASSERT_OK_AND_ASSIGN(const auto fresh, client::MakeClient(server_->ChannelOptions()));
    EXPECT_OK(fresh->Call<Note>(kGetNote, server_->AsSystem(), Request()));
  } while (absl::Now() < until && !HasFailure());
  server_->folder().Write("server.key", key);
  await_log("\"msg\":\"reloaded\",\"what\":\"TLS files\"");
}

TEST_F(ServerTest, TheMetricsShowWhenCertificatesEnd) {
  Start(WhoAmI);
  const auto line = [&](absl::string_view file, absl::Time end) {
    return absl::StrCat("securebase_certificate_expiry_timestamp_seconds{file=\"", file, "\"} ",
                        absl::ToUnixSeconds(end), "\n");
  };
  const std::string text = server_->runtime().metrics->Text();
  const absl::Time end = *auth::ChainExpiry(server_->options().tls.certificate);
  EXPECT_GT(end, absl::Now());
  EXPECT_THAT(text, HasSubstr(line("server", end)));
  EXPECT_THAT(text, HasSubstr("{file=\"client_ca\"}"));
  EXPECT_THAT(text, Not(HasSubstr("{file=\"neighbour\"}"))) << "it calls nobody";

  ASSERT_OK(auth::WriteDevPki(server_->folder().path(), {"ehr"}, absl::Now(), absl::Hours(48)));
  const absl::Time renewed = *auth::ChainExpiry(server_->options().tls.certificate);
  EXPECT_GT(renewed, end);
  EXPECT_THAT(server_->runtime().metrics->Text(), HasSubstr(line("server", renewed)));

  server_->folder().Write("server.crt", "damaged");
  EXPECT_THAT(server_->runtime().metrics->Text(), HasSubstr(line("server", absl::UnixEpoch())));
}

// The end.

TEST_F(ServerTest, DrainingLosesNothingInFlight) {
  std::atomic<int> handled{0};
  absl::Notification started;
  absl::Notification release;
  Start(
      [&](const api::Call&, const GetNoteRequest& request) -> absl::StatusOr<Note> {
        if (request.behave() == "block") {
          started.Notify();
        }
        release.WaitForNotification();
        ++handled;
        return Note();
      },
      [](config::ServerOptions& options) {
        options.reads = {1, 100};
      });
  std::vector<std::future<absl::Status>> calls;
  const CallOptions options = server_->AsSystem();
  client::Client& client = server_->Client();
  calls.push_back(std::async(std::launch::async, [&] {
    return client.Call<Note>(kGetNote, options, Request("block")).status();
  }));
  started.WaitForNotification();
  for (int i = 0; i < 10; ++i) {
    calls.push_back(std::async(std::launch::async, [&] {
      return client.Call<Note>(kGetNote, options, Request()).status();
    }));
  }
  auto shutdown = std::async(std::launch::async, [&] { server_->server().Shutdown(); });
  release.Notify();
  int ok = 0;
  for (auto& call : calls) {
    const absl::Status status = call.get();
    // A call that the server never took may fail; one that it took may not.
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kUnavailable) << status;
    ok += status.ok() ? 1 : 0;
  }
  shutdown.get();
  EXPECT_GE(ok, 1);
  EXPECT_EQ(ok, handled);
  server_->server().Shutdown();
}

// Sets a variable of the environment while it lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

TEST_F(ServerTest, PlaintextGoesThroughNoProxy) {
  const Environment proxy("http_proxy", "http://127.0.0.1:1");  // nobody is there
  const Environment grpc_proxy("grpc_proxy", "http://127.0.0.1:1");
  Start(WhoAmI, [](config::ServerOptions& options) {
    options.tls = {};
    options.allow_plaintext = true;
    options.require_client_certificate = false;
    options.peer_services.clear();
  });
  CallOptions options = server_->AsSystem();
  options.deadline = absl::Now() + absl::Seconds(5);
  EXPECT_OK(Get(options));
}

// Unsafe or impossible configurations do not start.

absl::Status StartWith(const std::function<void(config::ServerOptions&)>& change) {
  TestServer server({kNotesService}, change);
  return server.Start({});
}

TEST(ServerStartTest, PlaintextBeyondLoopbackIsRefused) {
  const absl::Status status = StartWith([](config::ServerOptions& options) {
    options.listen_address = "0.0.0.0:0";
    options.tls = {};
    options.allow_plaintext = true;
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
}

TEST(ServerStartTest, PlaintextOnLoopbackIsServedWhenAskedFor) {
  TestServer server({kNotesService}, [](config::ServerOptions& options) {
    options.tls = {};
    options.allow_plaintext = true;
    options.require_client_certificate = false;
    options.peer_services.clear();
  });
  NotesHandlers handlers([](const api::Call&, const GetNoteRequest&) { return Note(); });
  std::vector<TestServer::GrpcService> services;
  services.push_back(MakeNotesService(handlers, server.adapter()));
  ASSERT_OK(server.Start(std::move(services)));
  EXPECT_OK(server.Client().Call<Note>(kGetNote, server.AsSystem(), Request()));
}

TEST(ServerStartTest, BadCertificatesAreRefusedWithALineThatSaysWhy) {
  const absl::Status status =
      StartWith([](config::ServerOptions& options) { options.tls.certificate = options.tls.ca; });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
}

TEST(ServerStartTest, APortThatIsTakenIsRefused) {
  TestServer first({kNotesService});
  ASSERT_OK(first.Start({}));
  const absl::Status status =
      StartWith([&](config::ServerOptions& options) { options.listen_address = first.address(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot listen"));
}

// Health.

// grpc.health.v1.Health/Check by hand: HealthCheckResponse.status is field 1; 1 is SERVING.
std::string CheckHealth(int port) {
  grpc::GenericStub stub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(5)));
  const grpc::Slice empty("");
  grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  if (!status.ok()) {
    return absl::StrCat("error ", static_cast<int>(status.error_code()));
  }
  grpc::Slice slice;
  EXPECT_TRUE(response.DumpToSingleSlice(&slice).ok());
  return std::string(slice.begin(), slice.end());
}

TEST_F(ServerTest, HealthHasAnAddressOfItsOwnAndOnlyThere) {
  Start(WhoAmI);
  EXPECT_EQ(CheckHealth(server_->server().health_port()), std::string("\x08\x01"));
  Note note;
  EXPECT_EQ(server_->Client()
                .CallMethod("/grpc.health.v1.Health/Check", server_->AsSystem(), Request(), note)
                .code(),
            absl::StatusCode::kUnimplemented);
  // And the calls are not served there.
  client::ChannelOptions channel;
  channel.address = absl::StrCat("127.0.0.1:", server_->server().health_port());
  channel.plaintext = true;
  ASSERT_OK_AND_ASSIGN(const auto client, client::MakeClient(channel));
  EXPECT_EQ(client->Call<Note>(kGetNote, server_->AsSystem(), Request()).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST_F(ServerTest, WhileItDrainsHealthSaysNotServingAndCallsAreServed) {
  absl::Notification started;
  absl::Notification release;
  Start([&](const api::Call&, const GetNoteRequest&) -> absl::StatusOr<Note> {
    started.Notify();
    release.WaitForNotification();
    return Note();
  });
  auto call = std::async(std::launch::async, [&] { return Get(server_->AsSystem()).status(); });
  started.WaitForNotification();
  auto shutdown = std::async(std::launch::async, [&] { server_->server().Shutdown(); });
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  std::string health;
  do {
    health = CheckHealth(server_->server().health_port());
  } while (health == std::string("\x08\x01") && absl::Now() < give_up);
  EXPECT_EQ(health, std::string("\x08\x02"));
  release.Notify();
  EXPECT_OK(call.get());
  shutdown.get();
}

// The client.

TEST_F(ServerTest, TheClientWalksThePagesOfAList) {
  Start(WhoAmI);
  std::vector<std::string> texts;
  using testing::v1::ListNotesResponse;
  ASSERT_OK(client::ForEachPage<ListNotesResponse>(
      [&](const std::string& token) {
        testing::v1::ListNotesRequest request;
        request.set_parent("practices/p1");
        request.set_page_token(token);
        return server_->Client().Call<ListNotesResponse>(kListNotes, server_->AsSystem(), request);
      },
      [&](const ListNotesResponse& page) {
        texts.push_back(page.notes(0).text());
        return true;
      }));
  EXPECT_THAT(texts, ::testing::ElementsAre("1", "2", "3"));
}

TEST_F(ServerTest, TheClientReadsItsTokenFileForEachCall) {
  Start(WhoAmI);
  CallOptions options;
  options.token_file = server_->folder().Write("token", server_->AsStaff("dr-a").token + "\n");
  ASSERT_OK_AND_ASSIGN(const Note a, Get(options));
  EXPECT_EQ(a.text(), "staff:dr-a");
  server_->folder().Write("token", server_->AsStaff("dr-b").token);
  ASSERT_OK_AND_ASSIGN(const Note b, Get(options));
  EXPECT_EQ(b.text(), "staff:dr-b");
  options.token_file = server_->folder().PathOf("nothing");
  EXPECT_EQ(Get(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ClientTest, PlaintextIsForLoopbackAddresses) {
  for (const char* good : {"127.0.0.1:7400", "localhost:7400", "[::1]:7400", "127.9.9.9:1"}) {
    client::ChannelOptions channel;
    channel.address = good;
    channel.plaintext = true;
    EXPECT_OK(client::MakeClient(channel)) << good;
  }
  for (const char* bad : {"10.0.0.1:7400", "127.0.0.1.example.org:7400", "localhost.example:1"}) {
    client::ChannelOptions channel;
    channel.address = bad;
    channel.plaintext = true;
    EXPECT_EQ(client::MakeClient(channel).status().code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(ClientTest, AWriteGetsARequestIdAndKeepsItsOwn) {
  testing::v1::CreateNoteRequest request;
  client::FillRequestId(request);
  const std::string id = request.request_id();
  EXPECT_EQ(id.size(), 36U);
  client::FillRequestId(request);
  EXPECT_EQ(request.request_id(), id);
}

}  // namespace
}  // namespace securebase::rpc
