#include "services/platform/storage/redis_connection.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/platform/auth/file.h"
#include "services/platform/base/status_macros.h"

namespace securebase::storage {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr absl::string_view kClientName = "securebase";

// With whose error it is; the code stays.
absl::Status At(const RedisOptions::Address& address, const absl::Status& status) {
  return {status.code(),
          absl::StrCat("Redis at ", FormatRedisAddress(address), ": ", status.message())};
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(
    const RedisOptions& options, const RedisOptions::Address& address, Login login,
    absl::Time deadline, const RedisStop& stop) {
  auto stream = RedisStream::Connect(options, address, deadline, stop);
  if (!stream.ok()) {
    return At(address, stream.status());
  }
  std::unique_ptr<RedisConnection> connection(new RedisConnection(*std::move(stream)));
  if (absl::Status status = connection->Authenticate(options, login, deadline); !status.ok()) {
    return At(address, status);
  }
  return connection;
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::OpenPrimary(
    const RedisOptions& options, const RedisOptions::Address& address, const RedisNodeCheck& check,
    absl::Time deadline, const RedisStop& stop) {
  SB_ASSIGN_OR_RETURN(std::unique_ptr<RedisConnection> connection,
                      Open(options, address, Login::kRequired, deadline, stop));
  if (absl::Status status = connection->BecomeReady(options, deadline); !status.ok()) {
    return At(address, status);
  }
  if (check) {
    SB_RETURN_IF_ERROR(check([&](const std::vector<std::string>& command) {
      return connection->Run({command.begin(), command.end()}, deadline);
    }));
  }
  return connection;
}

absl::Status RedisConnection::Authenticate(const RedisOptions& options, Login login,
                                           absl::Time deadline) {
  if (options.password_file.empty()) {
    return absl::OkStatus();
  }
  // Read each time, so that a password can be changed while the service runs.
  SB_ASSIGN_OR_RETURN(const auth::FileContents file,
                      auth::ReadFile(options.password_file, auth::Secrecy::kPrivate));
  std::vector<absl::string_view> words = {"AUTH"};
  if (!options.user.empty()) {
    words.push_back(options.user);
  }
  words.push_back(absl::StripTrailingAsciiWhitespace(file.bytes));
  SB_ASSIGN_OR_RETURN(const RedisReply reply, Run(words, deadline));
  if (reply.kind == RedisReply::Kind::kError && login == Login::kRequired) {
    return absl::UnavailableError(
        absl::StrCat("refused the user or the password in ", options.password_file));
  }
  return absl::OkStatus();
}

absl::Status RedisConnection::BecomeReady(const RedisOptions& options, absl::Time deadline) {
  // Operators see it in CLIENT LIST. A user who may not set it is no worse for it.
  SB_RETURN_IF_ERROR(Run({"CLIENT", "SETNAME", kClientName}, deadline).status());
  if (options.database != 0) {
    SB_ASSIGN_OR_RETURN(const RedisReply selected,
                        Run({"SELECT", absl::StrCat(options.database)}, deadline));
    if (selected.kind == RedisReply::Kind::kError) {
      return absl::FailedPreconditionError(
          absl::StrCat("cannot select the database: ", selected.text));
    }
  }
  SB_ASSIGN_OR_RETURN(const RedisReply info, Run({"INFO", "replication"}, deadline));
  SB_ASSIGN_OR_RETURN(replication_id_, ReplicationIdOfPrimary(info));
  return absl::OkStatus();
}

RedisConnection::Exchanged RedisConnection::Exchange(absl::string_view commands, size_t replies,
                                                     absl::Duration silence) {
  return Exchange(commands, replies, silence, absl::InfiniteFuture());
}

RedisConnection::Exchanged RedisConnection::Exchange(absl::string_view commands, size_t replies,
                                                     absl::Duration silence, absl::Time deadline) {
  Exchanged result;
  absl::Time quiet_until = absl::Now() + silence;
  // Reading while it writes: a server that answers while we still write, and waits for us to read,
  // would otherwise stop both.
  while (result.sent < commands.size() || result.replies.size() < replies) {
    bool moved = false;
    if (result.sent < commands.size()) {
      const absl::StatusOr<size_t> count = stream_->Write(commands.substr(result.sent));
      if (!count.ok()) {
        result.status = count.status();
        return result;
      }
      result.sent += *count;
      moved = *count > 0;
    }
    const absl::StatusOr<bool> read = ReadSome(result.replies);
    if (!read.ok()) {
      result.status = read.status();
      return result;
    }
    if (moved || *read) {
      quiet_until = absl::Now() + silence;
      continue;
    }
    result.status = stream_->Wait(result.sent < commands.size(), std::min(quiet_until, deadline));
    if (!result.status.ok()) {
      return result;
    }
  }
  if (result.replies.size() > replies) {
    result.status = absl::UnavailableError("sent more answers than it was asked for");
  }
  return result;
}

absl::StatusOr<bool> RedisConnection::ReadSome(std::vector<RedisReply>& replies) {
  char buffer[kReadBytes];
  SB_ASSIGN_OR_RETURN(const size_t count, stream_->Read(buffer, sizeof(buffer)));
  if (count == 0) {
    return false;
  }
  SB_RETURN_IF_ERROR(reader_.Feed({buffer, count}));
  while (true) {
    SB_ASSIGN_OR_RETURN(std::optional<RedisReply> reply, reader_.Next());
    if (!reply.has_value()) {
      return true;
    }
    replies.push_back(*std::move(reply));
  }
}

absl::StatusOr<RedisReply> RedisConnection::Run(const std::vector<absl::string_view>& words,
                                                absl::Time deadline) {
  std::string command;
  AppendRedisCommand(words, command);
  Exchanged result = Exchange(command, 1, absl::InfiniteDuration(), deadline);
  SB_RETURN_IF_ERROR(result.status);
  return std::move(result.replies[0]);
}

bool RedisConnection::Usable() {
  std::vector<RedisReply> unasked;
  const absl::StatusOr<bool> read = ReadSome(unasked);
  return read.ok() && unasked.empty() && reader_.Empty();
}

absl::StatusOr<std::string> ReplicationIdOfPrimary(const RedisReply& info) {
  if (info.kind != RedisReply::Kind::kString) {
    return absl::UnavailableError(absl::StrCat("does not say what it is: ", info.text));
  }
  const absl::string_view id = RedisInfoField(info.text, "master_replid");
  if (RedisInfoField(info.text, "role") != "master" || id.empty()) {
    return absl::UnavailableError("is a replica, not the primary");
  }
  return std::string(id);
}

}  // namespace securebase::storage
