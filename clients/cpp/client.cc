#include "clients/cpp/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/rpc/status.pb.h"
#include "services/platform/api/acting_for.h"
#include "services/platform/api/status_conversion.h"
#include "services/platform/auth/followed_tls_files.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"
#include "services/platform/base/loopback.h"

namespace securebase::client {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
// Errors carry up to 4 KiB of details, which gRPC's default of 8 KiB for all metadata barely holds.
constexpr int kMaxMetadataBytes = 32 * 1024;
constexpr int kMaxMessageBytes = 16 * 1024 * 1024;
constexpr unsigned int kRefreshSeconds = 2;
// A dead connection is noticed within 40 s. Servers allow a ping every 20 s.
constexpr int kKeepaliveMillis = 30'000;
constexpr int kKeepaliveTimeoutMillis = 10'000;

// Every address of a name, and UNAVAILABLE tried again. So is CANCELLED, which we never ask for: a
// call that reaches a server of gRPC 1.51 between its closing and our hearing of it ends so.
constexpr char kServiceConfig[] = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "methodConfig": [{
    "name": [{}],
    "retryPolicy": {
      "maxAttempts": 4,
      "initialBackoff": "0.1s",
      "maxBackoff": "2s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"]
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

absl::StatusOr<std::string> ReadToken(const CallOptions& options) {
  if (options.token_file.empty()) {
    return options.token;
  }
  SB_ASSIGN_OR_RETURN(const std::string token, ReadFile(options.token_file, "token file"));
  return std::string(absl::StripAsciiWhitespace(token));
}

// The files are followed when they change, so that a renewed certificate needs no restart.
std::shared_ptr<grpc::ChannelCredentials> FollowFiles(const auth::TlsFiles& files) {
  grpc::experimental::TlsChannelCredentialsOptions tls;
  tls.set_certificate_provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca, kRefreshSeconds));
  tls.watch_root_certs();
  if (!files.key.empty()) {
    tls.watch_identity_key_cert_pairs();
  }
  return grpc::experimental::TlsCredentials(tls);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details())) {
    return api::FromRpcStatus(details);
  }
  if (status.error_code() == grpc::StatusCode::CANCELLED) {
    return MakeError(absl::StatusCode::kUnavailable, Reason::kShuttingDown,
                     "the server was going away; retry");
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
  GrpcClient(std::shared_ptr<grpc::Channel> channel, std::unique_ptr<auth::FollowedTlsFiles> tls)
      : tls_(std::move(tls)), stub_(std::move(channel)) {}

  absl::Status CallMethod(const std::string& method, const CallOptions& options,
                          const google::protobuf::Message& request,
                          google::protobuf::Message& response) override {
    grpc::ClientContext context;
    const absl::Time deadline = options.deadline == absl::InfiniteFuture()
                                    ? absl::Now() + kDefaultTimeout
                                    : options.deadline;
    context.set_deadline(absl::ToChronoTime(deadline));
    SB_ASSIGN_OR_RETURN(const std::string token, ReadToken(options));
    if (!token.empty()) {
      context.AddMetadata(api::kAuthorizationKey, absl::StrCat("Bearer ", token));
    }
    if (options.acting_for.has_value()) {
      context.AddMetadata(api::kActingForKey, options.acting_for->SerializeAsString());
    }
    if (!options.traceparent.empty()) {
      context.AddMetadata(api::kTraceparentKey, options.traceparent);
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
  const std::unique_ptr<auth::FollowedTlsFiles> tls_;
  grpc::GenericStub stub_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> MakeClient(const ChannelOptions& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  std::unique_ptr<auth::FollowedTlsFiles> tls;
  if (options.plaintext) {
    const absl::string_view address = options.address;
    if (!IsLoopback(address.substr(0, address.rfind(':')))) {
      return absl::InvalidArgumentError(absl::StrCat(
          "refusing to talk to ", options.address,
          " without TLS: plaintext is for loopback addresses; give the authorities' file instead"));
    }
    credentials = grpc::InsecureChannelCredentials();
  } else {
    if (options.certificate_file.empty() != options.key_file.empty()) {
      return absl::InvalidArgumentError(
          "a client certificate needs its key, and a key its certificate: give both files");
    }
    if (options.ca_file.empty() && !options.key_file.empty()) {
      return absl::InvalidArgumentError(
          "a client certificate needs the authorities' file as well: give it");
    }
    for (const auto& [path, what] : {std::pair(options.ca_file, "authorities' file"),
                                     std::pair(options.certificate_file, "client certificate"),
                                     std::pair(options.key_file, "client key")}) {
      if (!path.empty()) {
        SB_RETURN_IF_ERROR(ReadFile(path, what).status());
      }
    }
    if (options.ca_file.empty()) {  // the system's authorities
      credentials = grpc::SslCredentials(grpc::SslCredentialsOptions());
    } else {
      // Whoever may read the key is the program's affair; Securebase's services check theirs.
      SB_ASSIGN_OR_RETURN(tls, auth::FollowedTlsFiles::Open(
                                   {options.certificate_file, options.key_file, options.ca_file},
                                   auth::Secrecy::kPublic, options.on_reload));
      credentials = FollowFiles(tls->good());
    }
  }
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 1);
  if (options.plaintext) {
    // A proxy of the environment would see the token, and need not be on this machine.
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  }
  arguments.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  // A broken server is found again within seconds, not after gRPC's two minutes.
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  return std::unique_ptr<Client>(std::make_unique<GrpcClient>(
      grpc::CreateCustomChannel(options.address, credentials, arguments), std::move(tls)));
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
