#include "clients/cpp/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/rpc/status.pb.h"
#include "services/platform/api/status_conversion.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"

namespace securebase::client {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
// Errors carry up to 4 KiB of details, which gRPC's default of 8 KiB for all metadata barely holds.
constexpr int kMaxMetadataBytes = 32 * 1024;
constexpr int kMaxMessageBytes = 16 * 1024 * 1024;

// Every address of a name, and UNAVAILABLE (alone) tried again.
constexpr char kServiceConfig[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.1s",
      "maxBackoff": "2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
})";

absl::StatusOr<std::string> ReadFile(const std::string& path, absl::string_view what) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream contents;
  contents << in.rdbuf();
  if (!in.good() || contents.str().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the ", what, " ", path, "; check that it exists"));
  }
  return contents.str();
}

bool IsLoopback(absl::string_view address) {
  for (const char* host : {"localhost:", "127.", "[::1]:", "unix:"}) {
    if (absl::StartsWith(address, host)) {
      return true;
    }
  }
  return false;
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    return api::FromRpcStatus(details);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// Waits for a callback of gRPC's.
class Completion {
 public:
  void Done(grpc::Status status) {
    std::lock_guard<std::mutex> lock(mutex_);
    status_ = std::move(status);
    done_ = true;
    // Under the lock: the waiter owns this object, and may destroy it as soon as it is released.
    changed_.notify_one();
  }
  grpc::Status Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
    return status_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  grpc::Status status_;
};

class GrpcClient : public Client {
 public:
  explicit GrpcClient(std::shared_ptr<grpc::Channel> channel) : stub_(std::move(channel)) {}

  absl::Status CallMethod(const std::string& method, const CallOptions& options,
                          const google::protobuf::Message& request,
                          google::protobuf::Message& response) override {
    grpc::ClientContext context;
    const absl::Time deadline = options.deadline == absl::InfiniteFuture()
                                    ? absl::Now() + kDefaultTimeout
                                    : options.deadline;
    context.set_deadline(absl::ToChronoTime(deadline));
    if (!options.token.empty()) {
      context.AddMetadata("authorization", absl::StrCat("Bearer ", options.token));
    }
    if (!options.traceparent.empty()) {
      context.AddMetadata("traceparent", options.traceparent);
    }
    for (const auto& [name, value] : options.metadata) {
      context.AddMetadata(name, value);
    }
    const grpc::Slice slice(request.SerializeAsString());
    const grpc::ByteBuffer request_bytes(&slice, 1);
    grpc::ByteBuffer response_bytes;
    Completion completion;
    stub_.UnaryCall(&context, method, grpc::StubOptions(), &request_bytes, &response_bytes,
                    [&completion](grpc::Status status) { completion.Done(std::move(status)); });
    SB_RETURN_IF_ERROR(FromGrpcStatus(completion.Wait()));
    grpc::Slice whole;
    if (!response_bytes.TrySingleSlice(&whole).ok() &&
        !response_bytes.DumpToSingleSlice(&whole).ok()) {
      return Internal("the response could not be read");
    }
    if (!response.ParseFromArray(whole.begin(), static_cast<int>(whole.size()))) {
      return Internal("the response is not of the expected type; is the server older or newer?");
    }
    return absl::OkStatus();
  }

 private:
  grpc::GenericStub stub_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> MakeClient(const ChannelOptions& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (options.plaintext) {
    if (!IsLoopback(options.address)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "refusing to talk to ", options.address,
          " without TLS: plaintext is for loopback addresses; give the authorities' file instead"));
    }
    credentials = grpc::InsecureChannelCredentials();
  } else {
    grpc::SslCredentialsOptions ssl;
    if (!options.ca_file.empty()) {
      SB_ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadFile(options.ca_file, "authorities' file"));
    }
    if (options.certificate_file.empty() != options.key_file.empty()) {
      return absl::InvalidArgumentError(
          "a client certificate needs its key, and a key its certificate: give both files");
    }
    if (!options.certificate_file.empty()) {
      SB_ASSIGN_OR_RETURN(ssl.pem_cert_chain,
                          ReadFile(options.certificate_file, "client certificate"));
      SB_ASSIGN_OR_RETURN(ssl.pem_private_key, ReadFile(options.key_file, "client key"));
    }
    credentials = grpc::SslCredentials(ssl);
  }
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 1);
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  // A broken server is found again within seconds, not after gRPC's two minutes.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  return std::unique_ptr<Client>(std::make_unique<GrpcClient>(
      grpc::CreateCustomChannel(options.address, credentials, arguments)));
}

void FillRequestId(google::protobuf::Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  const auto* reflection = request.GetReflection();
  if (field == nullptr || field->is_repeated() ||
      field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING ||
      !reflection->GetString(request, field).empty()) {
    return;
  }
  UuidGenerator ids;
  reflection->SetString(&request, field, ids.NewId());
}

}  // namespace securebase::client
