// How long a service takes until it serves, and how much memory it holds when nobody calls it:
//
//   bench_startup [--assessments=100000] [--rounds=9]
//
// Makes a practice of that many assessments, a hundred in an episode, through securebase-outcomes
// itself, and then starts each service again and again. Prints medians. A time is from the fork to
// the answer of the gRPC health service.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/wrappers.pb.h"
#include "services/platform/base/status_macros.h"
#include "tests/e2e/deployment.h"
#include "tests/e2e/practice.h"

namespace securebase::testing {
namespace {

namespace outcomes = securebase::outcomes::v1;

constexpr int kPerEpisode = 100;
constexpr int kPerBatch = 10;
constexpr int kThreads = 16;
// grpc.health.v1.HealthCheckResponse.ServingStatus.
constexpr int kServing = 1;

// One episode with its assessments.
absl::Status Fill(Deployment& deployment, client::Client& client, const client::CallOptions& as,
                  const std::string& episode) {
  SB_RETURN_IF_ERROR(OpenEpisode(deployment, episode));
  for (int first = 0; first < kPerEpisode; first += kPerBatch) {
    outcomes::BatchSubmitAssessmentsRequest batch;
    batch.set_parent("practices/p1");
    for (int i = first; i < first + kPerBatch; ++i) {
      outcomes::SubmitAssessmentRequest one =
          PhqNine(absl::StrCat(episode, "-", i), episode, i % 40, i % 4);
      outcomes::AssessmentSubmission& submission = *batch.add_submissions();
      submission.set_assessment_id(one.assessment_id());
      submission.mutable_assessment()->Swap(one.mutable_assessment());
    }
    SB_RETURN_IF_ERROR(
        client
            .Call<outcomes::BatchSubmitAssessmentsResponse>(
                Deployment::MethodPath("outcomes", "BatchSubmitAssessments"), as, batch)
            .status());
  }
  return absl::OkStatus();
}

absl::Status FillPractice(Deployment& deployment, int assessments) {
  client::Client& client = deployment.Client("outcomes");
  const client::CallOptions as = deployment.AsSystem();
  std::vector<absl::Status> statuses(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = thread; i < assessments / kPerEpisode && statuses[thread].ok(); i += kThreads) {
        statuses[thread] = Fill(deployment, client, as, absl::StrCat("e", i));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const absl::Status& status : statuses) {
    SB_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

// The messages of grpc.health.v1 have the same encoding as these: an empty request, and a response
// whose field 1 is a small number.
absl::Status CheckHealth(int port) {
  client::ChannelOptions channel;
  channel.address = absl::StrCat("127.0.0.1:", port);
  channel.plaintext = true;
  SB_ASSIGN_OR_RETURN(const auto client, client::MakeClient(channel));
  google::protobuf::Int32Value response;
  SB_RETURN_IF_ERROR(
      client->CallMethod("/grpc.health.v1.Health/Check", {}, google::protobuf::Empty(), response));
  return response.value() == kServing
             ? absl::OkStatus()
             : absl::UnavailableError(absl::StrCat("health is ", response.value()));
}

// Resident memory in MiB.
double ResidentMemory(pid_t pid) {
  std::ifstream in(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(in, line);) {
    absl::string_view rest = line;
    int kibibytes = 0;
    if (absl::ConsumePrefix(&rest, "VmRSS:") &&
        absl::SimpleAtoi(absl::StripSuffix(rest, " kB"), &kibibytes)) {
      return kibibytes / 1024.0;
    }
  }
  return 0;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Figures {
  std::vector<double> start_millis;
  std::vector<double> memory;
};

absl::StatusOr<Figures> Measure(Deployment& deployment, const std::string& service, int rounds) {
  Figures figures;
  for (int round = 0; round < rounds; ++round) {
    const absl::Time begin = absl::Now();
    SB_RETURN_IF_ERROR(deployment.Start(service));
    SB_RETURN_IF_ERROR(CheckHealth(deployment.health_port(service)));
    figures.start_millis.push_back(absl::ToDoubleMilliseconds(absl::Now() - begin));
    // The work that is done at once after a start, housekeeping above all, belongs to idling.
    absl::SleepFor(absl::Seconds(2));
    figures.memory.push_back(ResidentMemory(deployment.process(service).pid()));
    SB_RETURN_IF_ERROR(deployment.Stop(service).status());
  }
  return figures;
}

absl::Status Run(int assessments, int rounds) {
  Deployment deployment;
  absl::Time begin = absl::Now();
  SB_RETURN_IF_ERROR(deployment.Start("outcomes"));
  SB_RETURN_IF_ERROR(FillPractice(deployment, assessments));
  const double filled = absl::ToDoubleSeconds(absl::Now() - begin);
  printf("%d assessments submitted in %.1f s, %.0f a second\n", assessments, filled,
         assessments / filled);
  printf("resident after that: %.1f MiB\n", ResidentMemory(deployment.process("outcomes").pid()));
  SB_RETURN_IF_ERROR(deployment.Stop("outcomes").status());
  printf(
      "database: %.0f MiB\n",
      static_cast<double>(std::filesystem::file_size(deployment.folder().PathOf("outcomes.db"))) /
          (1 << 20));

  printf("\n%-10s %14s %14s %14s\n", "service", "serving, ms", "slowest, ms", "resident, MiB");
  for (const std::string service : {"outcomes", "goals", "plans"}) {
    SB_ASSIGN_OR_RETURN(const Figures figures, Measure(deployment, service, rounds));
    printf("%-10s %14.0f %14.0f %14.1f\n", service.c_str(), Median(figures.start_millis),
           *std::max_element(figures.start_millis.begin(), figures.start_millis.end()),
           Median(figures.memory));
  }

  SB_RETURN_IF_ERROR(deployment.Start("outcomes"));
  for (const char* which : {"first", "second"}) {
    begin = absl::Now();
    SB_RETURN_IF_ERROR(
        (deployment
             .Call<outcomes::GetCaseloadResponse, outcomes::GetCaseloadRequest>(
                 deployment.AsStaff("dr-wren"), "outcomes", "GetCaseload", "parent: 'practices/p1'")
             .status()));
    printf("%s caseload poll of %d episodes: %.0f ms, resident then %.1f MiB\n", which,
           assessments / kPerEpisode, absl::ToDoubleMilliseconds(absl::Now() - begin),
           ResidentMemory(deployment.process("outcomes").pid()));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace securebase::testing

int main(int argc, char** argv) {
  int assessments = 100000;
  int rounds = 9;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (!(absl::ConsumePrefix(&argument, "--assessments=") &&
          absl::SimpleAtoi(argument, &assessments)) &&
        !(absl::ConsumePrefix(&argument, "--rounds=") && absl::SimpleAtoi(argument, &rounds) &&
          rounds > 0)) {
      fprintf(stderr, "bench_startup: unknown argument %s\n", argv[i]);
      return 1;
    }
  }
  setvbuf(stdout, nullptr, _IOLBF, 0);
  const absl::Status status = securebase::testing::Run(assessments, rounds);
  if (!status.ok()) {
    fprintf(stderr, "bench_startup: %s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}
