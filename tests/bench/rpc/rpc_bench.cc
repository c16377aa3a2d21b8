// What the adapter costs beside a bare callback service of gRPC that answers the same, in one run
// over the same mutual TLS: identity, authorization, validation, audit (to memory), a log line and
// the change to a thread of the pool. Figures of one machine say little, their ratio says more.
//
//   bench_rpc [calls at a time, 32] [seconds a round, 2] [rounds, 5]

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "securebase/testing/v1/notes_service.grpc.pb.h"
#include "services/platform/auth/file.h"
#include "tests/testing/test_server.h"
#include "tests/unit/platform/rpc/notes.h"

namespace securebase::rpc {
namespace {

using ::securebase::testing::TestServer;
using ::securebase::testing::v1::GetNoteRequest;
using ::securebase::testing::v1::Note;
using ::securebase::testing::v1::NotesService;

class BareService final : public NotesService::CallbackService {
  grpc::ServerUnaryReactor* GetNote(grpc::CallbackServerContext* context, const GetNoteRequest*,
                                    Note* response) override {
    response->set_text("note");
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

// Audit that costs nothing: a store is measured elsewhere.
class NoAudit : public AuditSink {
 public:
  absl::Status Record(const AuditRecord&, absl::Time) override { return absl::OkStatus(); }
};

std::string Read(const TestServer& server, const std::string& name) {
  return auth::ReadFile(server.folder().PathOf(name), auth::Secrecy::kPublic)->bytes;
}

// Keeps `width` calls in flight until told to stop.
class Load {
 public:
  Load(NotesService::Stub& stub, std::string token) : stub_(stub), token_(std::move(token)) {
    request_.set_name("practices/p1/notes/n1");
  }

  // Calls answered in `duration`. Ends the program when one fails: a wrong answer is no figure.
  int64_t Run(int width, absl::Duration duration) {
    answered_ = 0;
    stop_at_ = absl::Now() + duration;
    in_flight_ = width;
    for (int i = 0; i < width; ++i) {
      Begin();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    idle_.wait(lock, [this] { return in_flight_ == 0; });
    return answered_;
  }

 private:
  struct InFlight {
    grpc::ClientContext context;
    Note response;
  };

  void Begin() {
    auto call = std::make_shared<InFlight>();
    call->context.AddMetadata("authorization", token_);
    stub_.async()->GetNote(&call->context, &request_, &call->response,
                           [this, call](const grpc::Status& status) { Done(status); });
  }

  void Done(const grpc::Status& status) {
    if (!status.ok()) {
      fprintf(stderr, "a call failed: %s\n", status.error_message().c_str());
      std::abort();
    }
    ++answered_;
    if (absl::Now() < stop_at_) {
      Begin();
      return;
    }
    std::lock_guard<std::mutex> lock(mutex_);
    if (--in_flight_ == 0) {
      idle_.notify_one();
    }
  }

  NotesService::Stub& stub_;
  const std::string token_;
  GetNoteRequest request_;
  absl::Time stop_at_;
  std::atomic<int64_t> answered_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
  int in_flight_ = 0;
};

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Figures {
  double calls_per_second;
  double cpu_micros_per_call;  // of client and server together
};

Figures Measure(Load& load, int width, absl::Duration duration) {
  const absl::Time begin = absl::Now();
  const double cpu = CpuSeconds();
  const auto calls = static_cast<double>(load.Run(width, duration));
  return {calls / absl::ToDoubleSeconds(absl::Now() - begin), (CpuSeconds() - cpu) * 1e6 / calls};
}

Figures Median(std::vector<Figures> rounds) {
  std::sort(rounds.begin(), rounds.end(), [](const Figures& a, const Figures& b) {
    return a.cpu_micros_per_call < b.cpu_micros_per_call;
  });
  return rounds[rounds.size() / 2];
}

// The steps alone, one after the other in this thread: what is left of the difference is gRPC's
// metadata and the change of threads.
double StepsMicros(TestServer& server, AuditSink& audit, const std::string& token) {
  Runtime& runtime = server.runtime();
  Pipeline pipeline(
      {*runtime.authenticator, audit, runtime.clock, *runtime.logger, *runtime.call_metrics});
  const auto policies = PoliciesOf(kNotesService);
  const api::MethodPolicy& policy = policies->find("GetNote")->second;
  GetNoteRequest request;
  request.set_name("practices/p1/notes/n1");
  Note response;
  constexpr int kCalls = 50'000;
  const double cpu = CpuSeconds();
  for (int i = 0; i < kCalls; ++i) {
    ServedCall call;
    call.policy = &policy;
    call.request = &request;
    call.response = &response;
    call.read = [] { return true; };
    call.handler = [](const api::Call&) { return absl::OkStatus(); };
    call.cancelled = [] { return false; };
    call.credentials.has_authorization = true;
    call.credentials.authorization = token;
    call.call.method = policy.method;
    call.call.call_id = "01980000-0000-7000-8000-000000000001";
    call.call.time = runtime.clock.Now();
    call.call.deadline = absl::InfiniteFuture();
    if (!pipeline.Serve(call).ok()) {
      fprintf(stderr, "a call failed in the pipeline\n");
      std::abort();
    }
  }
  return (CpuSeconds() - cpu) * 1e6 / kCalls;
}

int Main(int argc, char** argv) {
  const int width = argc > 1 ? std::atoi(argv[1]) : 32;
  const absl::Duration duration = absl::Seconds(argc > 2 ? std::atoi(argv[2]) : 2);
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;

  NoAudit audit;
  TestServer adapted({kNotesService}, nullptr, &audit);
  NotesHandlers handlers([](const api::Call&, const GetNoteRequest&) {
    Note note;
    note.set_text("note");
    return note;
  });
  std::vector<TestServer::GrpcService> services;
  services.push_back(MakeNotesService(handlers, adapted.adapter()));
  if (const absl::Status status = adapted.Start(std::move(services)); !status.ok()) {
    fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }

  grpc::SslServerCredentialsOptions server_tls(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  server_tls.pem_root_certs = Read(adapted, "ca.crt");
  server_tls.pem_key_cert_pairs.push_back(
      {Read(adapted, "server.key"), Read(adapted, "server.crt")});
  BareService bare;
  int bare_port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(server_tls), &bare_port);
  builder.RegisterService(&bare);
  const std::unique_ptr<grpc::Server> bare_server = builder.BuildAndStart();

  grpc::SslCredentialsOptions client_tls;
  client_tls.pem_root_certs = server_tls.pem_root_certs;
  client_tls.pem_private_key = Read(adapted, "ehr.key");
  client_tls.pem_cert_chain = Read(adapted, "ehr.crt");
  const auto stub = [&](const std::string& address) {
    return NotesService::NewStub(grpc::CreateChannel(address, grpc::SslCredentials(client_tls)));
  };
  const auto bare_stub = stub(absl::StrCat("127.0.0.1:", bare_port));
  const auto adapted_stub = stub(adapted.address());
  const std::string token = "Bearer " + adapted.AsSystem().token;
  Load bare_load(*bare_stub, token);
  Load adapted_load(*adapted_stub, token);

  bare_load.Run(width, absl::Milliseconds(500));
  adapted_load.Run(width, absl::Milliseconds(500));
  std::vector<Figures> bare_rounds;
  std::vector<Figures> adapted_rounds;
  for (int i = 0; i < rounds; ++i) {
    bare_rounds.push_back(Measure(bare_load, width, duration));
    adapted_rounds.push_back(Measure(adapted_load, width, duration));
  }
  const Figures a = Median(bare_rounds);
  const Figures b = Median(adapted_rounds);
  printf("%d calls at a time, TLS, medians of %d rounds; CPU of client and server together\n",
         width, rounds);
  printf("bare     %8.0f calls/s  %6.1f us CPU per call\n", a.calls_per_second,
         a.cpu_micros_per_call);
  printf("adapter  %8.0f calls/s  %6.1f us CPU per call\n", b.calls_per_second,
         b.cpu_micros_per_call);
  printf("adapter / bare: %.2f of the CPU, %.2f of the rate; the adapter adds %.1f us\n",
         b.cpu_micros_per_call / a.cpu_micros_per_call, b.calls_per_second / a.calls_per_second,
         b.cpu_micros_per_call - a.cpu_micros_per_call);
  bare_server->Shutdown();
  adapted.Shutdown();
  printf("the steps alone: %.1f us CPU per call\n", StepsMicros(adapted, audit, token));
  return 0;
}

}  // namespace
}  // namespace securebase::rpc

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return securebase::rpc::Main(argc, argv);
}
