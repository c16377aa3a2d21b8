#include "services/platform/storage/redis_reply.h"

#include <hiredis/hiredis.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace securebase::storage {
namespace {

// hiredis' own reply objects cost an allocation each, and its 0.14 multiplies what a server claims
// to send before it allocates. These write straight into RedisReply.

RedisReply* PlaceOf(const redisReadTask* task) {
  if (task->parent == nullptr) {
    return new RedisReply;
  }
  return &static_cast<RedisReply*>(task->parent->obj)->elements[static_cast<size_t>(task->idx)];
}

void* MakeText(const redisReadTask* task, char* text, size_t size) {
  RedisReply* const reply = PlaceOf(task);
  reply->kind = task->type == REDIS_REPLY_ERROR    ? RedisReply::Kind::kError
                : task->type == REDIS_REPLY_STATUS ? RedisReply::Kind::kStatus
                                                   : RedisReply::Kind::kString;
  reply->text.assign(text, size);
  return reply;
}

void* MakeArray(const redisReadTask* task, int size) {
  auto* const budget = static_cast<size_t*>(task->privdata);
  if (size < 0 || static_cast<size_t>(size) > *budget) {
    return nullptr;
  }
  *budget -= static_cast<size_t>(size);
  RedisReply* const reply = PlaceOf(task);
  reply->kind = RedisReply::Kind::kArray;
  reply->elements.resize(static_cast<size_t>(size));
  return reply;
}

void* MakeInteger(const redisReadTask* task, long long value) {  // NOLINT(google-runtime-int)
  RedisReply* const reply = PlaceOf(task);
  reply->kind = RedisReply::Kind::kInteger;
  reply->integer = value;
  return reply;
}

void* MakeNil(const redisReadTask* task) { return PlaceOf(task); }

// Called for whole replies only.
void FreeReply(void* reply) { delete static_cast<RedisReply*>(reply); }

redisReplyObjectFunctions* Functions() {
  static redisReplyObjectFunctions functions = {&MakeText, &MakeArray, &MakeInteger, &MakeNil,
                                                &FreeReply};
  return &functions;
}

bool ParsePlace(absl::string_view text, RedisError& error) {
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ');
  if (words.size() < 3) {
    return false;
  }
  const size_t colon = words[2].rfind(':');
  if (colon == absl::string_view::npos ||
      !absl::SimpleAtoi(words[2].substr(colon + 1), &error.address.port) ||
      error.address.port < 1 || error.address.port > 65535 ||
      !absl::SimpleAtoi(words[1], &error.slot) || error.slot < 0 || error.slot >= 16384) {
    return false;
  }
  error.address.host = std::string(words[2].substr(0, colon));
  return true;
}

}  // namespace

void AppendRedisCommand(const std::vector<absl::string_view>& words, std::string& out) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  texts.reserve(words.size());
  sizes.reserve(words.size());
  for (const absl::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const int size =
      redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  if (size > 0) {
    out.append(command, static_cast<size_t>(size));
    redisFreeCommand(command);
  }
}

void RedisReplyReader::Deleter::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisReplyReader::RedisReplyReader()
    : elements_(kMaxElements), reader_(redisReaderCreateWithFunctions(Functions())) {
  reader_->privdata = &elements_;
}

RedisReplyReader::~RedisReplyReader() = default;

absl::Status RedisReplyReader::Feed(absl::string_view bytes) {
  if (reader_->len - reader_->pos + bytes.size() > kMaxBytes) {
    return absl::UnavailableError("the answer is too long");
  }
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    return absl::UnavailableError(absl::StrCat("bad answer: ", reader_->errstr));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<RedisReply>> RedisReplyReader::Next() {
  void* whole = nullptr;
  if (redisReaderGetReply(reader_.get(), &whole) != REDIS_OK) {
    return absl::UnavailableError(absl::StrCat("bad answer: ", reader_->errstr));
  }
  if (whole == nullptr) {
    return std::nullopt;
  }
  elements_ = kMaxElements;
  const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(whole));
  return std::move(*reply);
}

bool RedisReplyReader::Empty() const {
  // A first task may be open that knows nothing yet.
  return reader_->pos == reader_->len &&
         (reader_->ridx < 0 || (reader_->ridx == 0 && reader_->rstack[0].type < 0));
}

RedisError ParseRedisError(absl::string_view text) {
  RedisError error;
  const absl::string_view code = text.substr(0, text.find(' '));
  if (code == "MOVED" || code == "ASK") {
    if (ParsePlace(text, error)) {
      error.kind = code == "MOVED" ? RedisError::Kind::kMoved : RedisError::Kind::kAsk;
    }
  } else if (code == "NOSCRIPT") {
    error.kind = RedisError::Kind::kNoScript;
  } else if (code == "READONLY" || code == "MASTERDOWN") {
    error.kind = RedisError::Kind::kNotPrimary;
  } else if (code == "TRYAGAIN" || code == "CLUSTERDOWN" || code == "LOADING" ||
             code == "NOREPLICAS" || code == "BUSY") {
    error.kind = RedisError::Kind::kLater;
  } else if (code == "OOM" || code == "MISCONF") {
    error.kind = RedisError::Kind::kFull;
  }
  return error;
}

absl::string_view RedisInfoField(absl::string_view info, absl::string_view name) {
  for (absl::string_view line : absl::StrSplit(info, '\n')) {
    if (absl::ConsumePrefix(&line, name) && absl::ConsumePrefix(&line, ":")) {
      return absl::StripSuffix(line, "\r");
    }
  }
  return "";
}

}  // namespace securebase::storage
