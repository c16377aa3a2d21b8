#include "services/platform/storage/envelope.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/platform/storage/checks.h"
#include "services/platform/storage/codec.h"
#include "services/platform/storage/crc32c.h"

namespace securebase::storage {
namespace {

constexpr absl::string_view kMagic = "SB";
constexpr char kFormat = 1;
constexpr size_t kHeaderBytes = 3;
constexpr size_t kChecksumBytes = 4;

std::string Checksum(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<char>((crc >> shift) & 0xff));
  }
  return out;
}

}  // namespace

std::string SealEnvelope(const Envelope& envelope) {
  std::string out(kMagic);
  out.push_back(kFormat);
  AppendVarint(out, envelope.schema_version);
  AppendVarint(out, envelope.key_id);
  AppendString(out, envelope.episode);
  AppendVarint(out, static_cast<uint32_t>(envelope.subjects.size()));
  for (const std::string& subject : envelope.subjects) {
    AppendString(out, subject);
  }
  AppendString(out, envelope.payload);
  out.append(Checksum(out));
  return out;
}

absl::StatusOr<Envelope> OpenEnvelope(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes || !absl::StartsWith(bytes, kMagic)) {
    return DataLossError("a stored record is no envelope; restore a backup");
  }
  // The format comes before the checksum: a later format may have another one.
  if (bytes[kMagic.size()] != kFormat) {
    return DataLossError(absl::StrCat("a stored record has format ",
                                      static_cast<unsigned char>(bytes[kMagic.size()]),
                                      ", which this release does not read; install a newer one"));
  }
  const absl::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (bytes.substr(body.size()) != Checksum(body)) {
    return DataLossError(
        "a stored record is damaged (its checksum does not match); restore a backup");
  }
  Decoder decoder(body.substr(kHeaderBytes));
  Envelope envelope;
  envelope.schema_version = decoder.Varint();
  envelope.key_id = decoder.Varint();
  envelope.episode = std::string(decoder.String());
  const uint32_t subjects = decoder.Varint();
  for (uint32_t i = 0; i < subjects && decoder.ok(); ++i) {
    envelope.subjects.emplace_back(decoder.String());
  }
  envelope.payload = std::string(decoder.String());
  if (!decoder.ok() || !decoder.rest().empty()) {
    return DataLossError(
        "a stored record is damaged (its parts do not fit its length); restore a backup");
  }
  return envelope;
}

}  // namespace securebase::storage
