#include "services/platform/storage/redis_stream.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/base/loopback.h"
#include "services/platform/base/status_macros.h"

namespace securebase::storage {
namespace {

// A peer that vanished without a word is noticed on idle connections too: 30 s + 3 * 10 s.
constexpr int kKeepaliveIdleSeconds = 30;
constexpr int kKeepaliveIntervalSeconds = 10;
constexpr int kKeepaliveProbes = 3;

absl::Status Failed(absl::string_view doing, int error) {
  char buffer[128];
  return absl::UnavailableError(
      absl::StrCat("cannot ", doing, ": ", strerror_r(error, buffer, sizeof(buffer))));
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Socket() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket& operator=(Socket&&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

absl::Status WaitFor(int fd, short events, absl::Time deadline, const RedisStop& stop) {
  while (true) {
    pollfd watched[] = {{fd, events, 0}, {stop.fd(), POLLIN, 0}};
    // A millisecond more, so that a wait is not ended and begun again for what was rounded off.
    const absl::Duration left =
        std::clamp(deadline - absl::Now(), absl::ZeroDuration(), absl::Hours(1));
    const int ready = poll(
        watched, 2,
        static_cast<int>(absl::ToInt64Milliseconds(left)) + (left > absl::ZeroDuration() ? 1 : 0));
    if (ready < 0 && errno != EINTR) {
      return Failed("poll", errno);
    }
    if (watched[1].revents != 0) {
      return absl::CancelledError("closed");
    }
    if (ready > 0) {
      return absl::OkStatus();
    }
    if (absl::Now() >= deadline) {
      return absl::DeadlineExceededError("no answer in time");
    }
  }
}

struct AddressListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

absl::StatusOr<Socket> ConnectTo(const addrinfo& info, absl::Time deadline, const RedisStop& stop) {
  Socket made(socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made.fd() < 0) {
    return Failed("make a socket", errno);
  }
  const std::pair<int, int> settings[] = {{TCP_NODELAY, 1},
                                          {TCP_KEEPIDLE, kKeepaliveIdleSeconds},
                                          {TCP_KEEPINTVL, kKeepaliveIntervalSeconds},
                                          {TCP_KEEPCNT, kKeepaliveProbes}};
  for (const auto& [name, value] : settings) {
    setsockopt(made.fd(), IPPROTO_TCP, name, &value, sizeof(value));
  }
  const int on = 1;
  setsockopt(made.fd(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  if (connect(made.fd(), info.ai_addr, info.ai_addrlen) == 0) {
    return made;
  }
  if (errno != EINPROGRESS) {
    return Failed("connect", errno);
  }
  SB_RETURN_IF_ERROR(WaitFor(made.fd(), POLLOUT, deadline, stop));
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(made.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    return Failed("connect", error);
  }
  return made;
}

absl::StatusOr<Socket> ConnectTo(const RedisOptions& options, const RedisOptions::Address& address,
                                 absl::Time deadline, const RedisStop& stop) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, AddressListDeleter> list(found);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot resolve the host: ", gai_strerror(error)));
  }
  absl::Status last = absl::UnavailableError("the host has no address");
  for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
    // What sentinels and cluster nodes name is no more trusted than what a URL does.
    if (!options.tls && !options.plain_anywhere && !IsLoopback(*info->ai_addr)) {
      last = absl::FailedPreconditionError(
          "is not on this machine: patient data does not travel in the clear, use rediss");
      continue;
    }
    // An address that does not answer leaves half of the time to the next.
    const absl::Time now = absl::Now();
    const absl::Time part = info->ai_next == nullptr ? deadline : now + (deadline - now) / 2;
    absl::StatusOr<Socket> made = ConnectTo(*info, part, stop);
    if (made.ok() || absl::IsCancelled(made.status())) {
      return made;
    }
    last = made.status();
  }
  return last;
}

class PlainStream final : public RedisStream {
 public:
  PlainStream(Socket connection, const RedisStop& stop)
      : socket_(std::move(connection)), stop_(stop) {}

  absl::StatusOr<size_t> Write(absl::string_view bytes) override {
    return Result(send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL), "send");
  }
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    const ssize_t count = recv(socket_.fd(), buffer, size, 0);
    if (count == 0) {
      return absl::UnavailableError("the server closed the connection");
    }
    return Result(count, "receive");
  }
  absl::Status Wait(bool writing, absl::Time deadline) override {
    return WaitFor(socket_.fd(), static_cast<short>(POLLIN | (writing ? POLLOUT : 0)), deadline,
                   stop_);
  }

 private:
  static absl::StatusOr<size_t> Result(ssize_t count, absl::string_view doing) {
    if (count >= 0) {
      return static_cast<size_t>(count);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
      return 0;
    }
    return Failed(doing, errno);
  }

  const Socket socket_;
  const RedisStop& stop_;
};

template <auto Free>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslDeleter<SSL_free>>;

absl::Status TlsFailed(absl::string_view doing) {
  char text[160] = "unknown reason";
  if (const unsigned long error = ERR_get_error(); error != 0) {  // NOLINT(google-runtime-int)
    ERR_error_string_n(error, text, sizeof(text));
  }
  ERR_clear_error();
  return absl::UnavailableError(absl::StrCat("TLS: cannot ", doing, ": ", text));
}

absl::StatusOr<SslContextPtr> MakeTlsContext(const RedisOptions& options) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return TlsFailed("begin");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // What was not taken is offered again from wherever it then is.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      return TlsFailed("load the system's authorities");
    }
  } else if (SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1) {
    return TlsFailed(absl::StrCat("load the authorities in ", options.ca_file));
  }
  if (!options.certificate_file.empty() &&
      (SSL_CTX_use_certificate_chain_file(context.get(), options.certificate_file.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) !=
           1)) {
    return TlsFailed(absl::StrCat("use ", options.certificate_file, " with ", options.key_file));
  }
  return context;
}

class TlsStream final : public RedisStream {
 public:
  TlsStream(Socket connection, SslContextPtr context, SslPtr ssl, const RedisStop& stop)
      : socket_(std::move(connection)),
        context_(std::move(context)),
        ssl_(std::move(ssl)),
        stop_(stop) {}

  absl::Status Handshake(absl::Time deadline) {
    while (true) {
      ERR_clear_error();
      const int result = SSL_connect(ssl_.get());
      if (result == 1) {
        return absl::OkStatus();
      }
      const int error = SSL_get_error(ssl_.get(), result);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        if (const auto verified = SSL_get_verify_result(ssl_.get()); verified != X509_V_OK) {
          return absl::UnavailableError(absl::StrCat("TLS: the server's certificate is refused: ",
                                                     X509_verify_cert_error_string(verified)));
        }
        return TlsFailed("agree with the server");
      }
      SB_RETURN_IF_ERROR(
          WaitFor(socket_.fd(), error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline, stop_));
    }
  }

  absl::StatusOr<size_t> Write(absl::string_view bytes) override {
    ERR_clear_error();
    size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return Result(result, count, write_waits_for_, "send");
  }
  absl::StatusOr<size_t> Read(char* buffer, size_t size) override {
    ERR_clear_error();
    size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer, size, &count);
    return Result(result, count, read_waits_for_, "receive");
  }
  absl::Status Wait(bool writing, absl::Time deadline) override {
    return WaitFor(socket_.fd(),
                   static_cast<short>(read_waits_for_ | (writing ? write_waits_for_ : 0)), deadline,
                   stop_);
  }

 private:
  absl::StatusOr<size_t> Result(int result, size_t count, short& waits_for,
                                absl::string_view doing) {
    if (result == 1) {
      return count;
    }
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        waits_for = POLLIN;
        return 0;
      case SSL_ERROR_WANT_WRITE:
        waits_for = POLLOUT;
        return 0;
      case SSL_ERROR_ZERO_RETURN:
        return absl::UnavailableError("the server closed the connection");
      case SSL_ERROR_SYSCALL:
        return errno == 0 ? absl::UnavailableError("the server closed the connection")
                          : Failed(doing, errno);
      default:
        return TlsFailed(doing);
    }
  }

  const Socket socket_;
  const SslContextPtr context_;
  const SslPtr ssl_;
  const RedisStop& stop_;
  // TLS may have to read before it can write on, and the other way round.
  short read_waits_for_ = POLLIN;
  short write_waits_for_ = POLLOUT;
};

absl::StatusOr<std::unique_ptr<RedisStream>> StartTls(const RedisOptions& options,
                                                      const RedisOptions::Address& address,
                                                      Socket connection, absl::Time deadline,
                                                      const RedisStop& stop) {
  SB_ASSIGN_OR_RETURN(SslContextPtr context, MakeTlsContext(options));
  SslPtr ssl(SSL_new(context.get()));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), connection.fd()) != 1) {
    return TlsFailed("begin");
  }
  in6_addr ignored;
  const bool is_ip = inet_pton(AF_INET, address.host.c_str(), &ignored) == 1 ||
                     inet_pton(AF_INET6, address.host.c_str(), &ignored) == 1;
  if (is_ip) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), address.host.c_str()) != 1) {
      return TlsFailed("ask for the address");
    }
  } else if (SSL_set1_host(ssl.get(), address.host.c_str()) != 1 ||
             SSL_set_tlsext_host_name(ssl.get(), address.host.c_str()) != 1) {
    return TlsFailed("ask for the host");
  }
  auto stream =
      std::make_unique<TlsStream>(std::move(connection), std::move(context), std::move(ssl), stop);
  SB_RETURN_IF_ERROR(stream->Handshake(deadline));
  return stream;
}

}  // namespace

RedisStop::RedisStop() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

RedisStop::~RedisStop() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

void RedisStop::Set() { (void)eventfd_write(fd_, 1); }

void BlockSigpipe() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

absl::StatusOr<std::unique_ptr<RedisStream>> RedisStream::Connect(
    const RedisOptions& options, const RedisOptions::Address& address, absl::Time deadline,
    const RedisStop& stop) {
  SB_ASSIGN_OR_RETURN(Socket connection, ConnectTo(options, address, deadline, stop));
  if (options.tls) {
    return StartTls(options, address, std::move(connection), deadline, stop);
  }
  return std::make_unique<PlainStream>(std::move(connection), stop);
}

}  // namespace securebase::storage
