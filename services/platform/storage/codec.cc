#include "services/platform/storage/codec.h"

#include <limits>

namespace securebase::storage {

void AppendVarint(std::string& out, uint32_t value) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

void AppendString(std::string& out, absl::string_view value) {
  AppendVarint(out, static_cast<uint32_t>(value.size()));
  out.append(value.data(), value.size());
}

void AppendInt64(std::string& out, int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<char>((bits >> shift) & 0xff));
  }
}

uint32_t Decoder::Varint() {
  uint64_t value = 0;
  for (int shift = 0; ok_ && shift < 35 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (value > std::numeric_limits<uint32_t>::max()) {
      break;
    }
    if ((byte & 0x80) == 0) {
      return static_cast<uint32_t>(value);
    }
  }
  ok_ = false;
  return 0;
}

absl::string_view Decoder::String() {
  const uint32_t size = Varint();
  if (!ok_ || size > rest_.size()) {
    ok_ = false;
    return "";
  }
  const absl::string_view value = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return value;
}

int64_t Decoder::Int64() {
  constexpr size_t kBytes = 8;
  if (!ok_ || rest_.size() < kBytes) {
    ok_ = false;
    return 0;
  }
  uint64_t bits = 0;
  for (size_t i = 0; i < kBytes; ++i) {
    bits |= static_cast<uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(kBytes);
  return static_cast<int64_t>(bits);
}

}  // namespace securebase::storage
