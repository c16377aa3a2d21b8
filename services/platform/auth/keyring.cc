#include "services/platform/auth/keyring.h"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/platform/auth/json_object.h"
#include "services/platform/auth/openssl.h"
#include "services/platform/base/error.h"
#include "services/platform/base/id.h"
#include "services/platform/base/status_macros.h"

namespace securebase::auth {
namespace {

using ::google::protobuf::Struct;
using Block = std::array<unsigned char, 16>;

constexpr size_t kKeyBytes = 32;
constexpr size_t kNonceBytes = 24;
constexpr size_t kDerivingNonceBytes = 12;  // the first half derives the key, the second is GCM's
constexpr size_t kTagBytes = 16;
constexpr size_t kHeaderBytes = 5;
constexpr char kVersion = 1;

const unsigned char* Data(absl::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* Data(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

bool EncryptBlock(absl::string_view key, const Block& in, Block& out) {
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int length = 0;
  return cipher != nullptr &&
         EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_ecb(), Data(key), nullptr, nullptr) == 1 &&
         EVP_CIPHER_CTX_set_padding(cipher.get(), 0) == 1 &&
         EVP_EncryptUpdate(cipher.get(), out.data(), &length, in.data(),
                           static_cast<int>(in.size())) == 1 &&
         length == static_cast<int>(out.size());
}

// C2SP XAES-256-GCM: the key for GCM is two AES-CMACs over a counter, 'X' and half the nonce.
std::optional<std::string> DeriveKey(absl::string_view key, absl::string_view nonce) {
  Block subkey{};
  if (!EncryptBlock(key, Block{}, subkey)) {
    return std::nullopt;
  }
  const bool carry = (subkey[0] & 0x80) != 0;
  for (size_t i = 0; i < subkey.size(); ++i) {
    const int next = i + 1 < subkey.size() ? subkey[i + 1] >> 7 : 0;
    subkey[i] = static_cast<unsigned char>((subkey[i] << 1) | next);
  }
  if (carry) {
    subkey.back() ^= 0x87;
  }
  std::string derived;
  for (const unsigned char counter : {1, 2}) {
    Block message{0, counter, 'X', 0};
    std::copy_n(nonce.begin(), kDerivingNonceBytes, message.begin() + 4);
    for (size_t i = 0; i < message.size(); ++i) {
      message[i] ^= subkey[i];
    }
    Block half{};
    if (!EncryptBlock(key, message, half)) {
      return std::nullopt;
    }
    derived.append(half.begin(), half.end());
  }
  return derived;
}

// Ciphertext and tag to plaintext; none if anything does not fit.
std::optional<std::string> XaesOpen(absl::string_view key, absl::string_view nonce,
                                    absl::string_view sealed, absl::string_view associated_data) {
  const std::optional<std::string> derived = DeriveKey(key, nonce);
  if (!derived.has_value() || sealed.size() < kTagBytes) {
    return std::nullopt;
  }
  const absl::string_view ciphertext = sealed.substr(0, sealed.size() - kTagBytes);
  std::string tag(sealed.substr(ciphertext.size()));
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  std::string plaintext(ciphertext.size(), '\0');
  int length = 0;
  if (cipher == nullptr ||
      EVP_DecryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), Data(*derived),
                          Data(nonce.substr(kDerivingNonceBytes)), nullptr) != 1 ||
      EVP_DecryptUpdate(cipher.get(), nullptr, &length, Data(associated_data),
                        static_cast<int>(associated_data.size())) != 1 ||
      EVP_DecryptUpdate(cipher.get(), Data(plaintext), &length, Data(ciphertext),
                        static_cast<int>(ciphertext.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(cipher.get(), Data(plaintext) + plaintext.size(), &length) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return plaintext;
}

std::string Header(uint32_t id) {
  std::string header(1, kVersion);
  for (const int shift : {24, 16, 8, 0}) {
    header.push_back(static_cast<char>(id >> shift & 0xff));
  }
  return header;
}

std::optional<uint32_t> IdMember(const Struct& object, absl::string_view name) {
  const std::optional<double> number = NumberMember(object, name);
  if (!number.has_value() || !(*number >= 1) ||
      !(*number <= std::numeric_limits<uint32_t>::max()) ||
      *number != static_cast<uint32_t>(*number)) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(*number);
}

struct KeyEntry {
  uint32_t id;
  std::string key;
  std::string created;  // as it stands in the file; empty: it does not
};

std::string CreationText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string FormatKeyring(uint32_t active, const std::vector<KeyEntry>& keys) {
  const std::string list =
      absl::StrJoin(keys, ",\n  ", [](std::string* out, const KeyEntry& entry) {
        absl::StrAppend(out, "{\"id\": ", entry.id);
        if (!entry.created.empty()) {
          absl::StrAppend(out, ", \"created\": \"", entry.created, "\"");
        }
        absl::StrAppend(out, ", \"key\": \"", absl::Base64Escape(entry.key), "\"}");
      });
  return absl::StrCat("{\"active\": ", active, ", \"keys\": [\n  ", list, "\n]}\n");
}

struct ParsedKeyring {
  uint32_t active = 0;
  std::vector<KeyEntry> keys;  // in the file's order
};

absl::StatusOr<ParsedKeyring> ParseKeyring(absl::string_view json) {
  SB_ASSIGN_OR_RETURN(const Struct document, ParseJsonObject(json));
  const google::protobuf::Value* keys = FindMember(document, "keys");
  const std::optional<uint32_t> active = IdMember(document, "active");
  if (keys == nullptr || !keys->has_list_value() || !active.has_value()) {
    return absl::InvalidArgumentError(
        "is not a keyring: it needs \"active\" (a key's id) and \"keys\" (an array)");
  }
  ParsedKeyring parsed;
  parsed.active = *active;
  bool active_found = false;
  for (const google::protobuf::Value& element : keys->list_value().values()) {
    const std::optional<uint32_t> id =
        element.has_struct_value() ? IdMember(element.struct_value(), "id") : std::nullopt;
    if (!id.has_value()) {
      return absl::InvalidArgumentError("has a key whose \"id\" is not 1 to 4294967295");
    }
    for (const KeyEntry& other : parsed.keys) {
      if (other.id == *id) {
        return absl::InvalidArgumentError(absl::StrCat("has two keys with id ", *id));
      }
    }
    std::string key;
    if (!absl::Base64Unescape(StringMember(element.struct_value(), "key").value_or(""), &key) ||
        key.size() != kKeyBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("has a key, id ", *id, ", that is not 32 bytes in base64"));
    }
    std::string created = StringMember(element.struct_value(), "created").value_or("");
    absl::Time time;
    if (!created.empty() && !absl::ParseTime(absl::RFC3339_full, created, &time, nullptr)) {
      return absl::InvalidArgumentError(
          absl::StrCat("has a key, id ", *id, ", whose \"created\" is not a time of RFC 3339"));
    }
    active_found = active_found || *id == *active;
    parsed.keys.push_back({*id, std::move(key), std::move(created)});
  }
  if (!active_found) {
    return absl::InvalidArgumentError(absl::StrCat("lacks its active key, id ", *active));
  }
  return parsed;
}

}  // namespace

absl::StatusOr<Keyring> Keyring::Parse(absl::string_view json) {
  SB_ASSIGN_OR_RETURN(ParsedKeyring parsed, ParseKeyring(json));
  Keyring keyring;
  keyring.active_id_ = parsed.active;
  for (KeyEntry& entry : parsed.keys) {
    keyring.keys_[entry.id] = std::move(entry.key);
  }
  return keyring;
}

absl::StatusOr<std::string> Keyring::Seal(absl::string_view plaintext,
                                          absl::string_view associated_data) const {
  const std::string header = Header(active_id_);
  const std::string nonce = RandomBytes(kNonceBytes);
  const std::string sealed = internal::XaesSeal(keys_.at(active_id_), nonce, plaintext,
                                                absl::StrCat(header, associated_data));
  if (sealed.empty()) {
    return Internal("encryption failed");
  }
  return absl::StrCat(header, nonce, sealed);
}

absl::StatusOr<std::string> Keyring::Open(absl::string_view sealed,
                                          absl::string_view associated_data) const {
  const absl::Status refusal =
      absl::InvalidArgumentError("is damaged, or was not sealed by this deployment for this use");
  if (sealed.size() < kOverhead || sealed[0] != kVersion) {
    return refusal;
  }
  uint32_t id = 0;
  for (size_t i = 1; i < kHeaderBytes; ++i) {
    id = id << 8 | static_cast<unsigned char>(sealed[i]);
  }
  const auto key = keys_.find(id);
  if (key == keys_.end()) {
    return refusal;
  }
  std::optional<std::string> plaintext =
      XaesOpen(key->second, sealed.substr(kHeaderBytes, kNonceBytes),
               sealed.substr(kHeaderBytes + kNonceBytes),
               absl::StrCat(sealed.substr(0, kHeaderBytes), associated_data));
  if (!plaintext.has_value()) {
    return refusal;
  }
  return *std::move(plaintext);
}

std::string GenerateKeyring(absl::Time now) {
  return FormatKeyring(1, {{1, RandomBytes(kKeyBytes), CreationText(now)}});
}

absl::StatusOr<std::vector<KeyDescription>> DescribeKeyring(absl::string_view keyring) {
  SB_ASSIGN_OR_RETURN(const ParsedKeyring parsed, ParseKeyring(keyring));
  std::vector<KeyDescription> keys;
  for (const KeyEntry& entry : parsed.keys) {
    KeyDescription key{entry.id, entry.id == parsed.active, std::nullopt};
    absl::Time created;
    if (absl::ParseTime(absl::RFC3339_full, entry.created, &created, nullptr)) {
      key.created = created;
    }
    keys.push_back(key);
  }
  return keys;
}

absl::StatusOr<std::string> RotateKeyring(absl::string_view keyring, int keep, absl::Time now) {
  SB_ASSIGN_OR_RETURN(ParsedKeyring parsed, ParseKeyring(keyring));
  std::sort(parsed.keys.begin(), parsed.keys.end(),
            [](const KeyEntry& a, const KeyEntry& b) { return a.id > b.id; });
  const uint32_t last = parsed.keys.front().id;
  if (last == std::numeric_limits<uint32_t>::max()) {
    return absl::FailedPreconditionError("has used its last key id; start a new keyring");
  }
  if (parsed.keys.size() > static_cast<size_t>(std::max(keep, 0))) {
    parsed.keys.resize(static_cast<size_t>(std::max(keep, 0)));
  }
  parsed.keys.insert(parsed.keys.begin(), {last + 1, RandomBytes(kKeyBytes), CreationText(now)});
  return FormatKeyring(last + 1, parsed.keys);
}

absl::StatusOr<std::unique_ptr<KeyringFile>> OpenKeyringFile(std::string path, const Clock& clock,
                                                             ReloadCallback on_reload) {
  return KeyringFile::Open(std::move(path), Secrecy::kPrivate, &Keyring::Parse, clock,
                           std::move(on_reload));
}

namespace internal {

std::string XaesSeal(absl::string_view key, absl::string_view nonce, absl::string_view plaintext,
                     absl::string_view associated_data) {
  const std::optional<std::string> derived = DeriveKey(key, nonce);
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  std::string sealed(plaintext.size() + kTagBytes, '\0');
  int length = 0;
  if (!derived.has_value() || cipher == nullptr ||
      EVP_EncryptInit_ex2(cipher.get(), EVP_aes_256_gcm(), Data(*derived),
                          Data(nonce.substr(kDerivingNonceBytes)), nullptr) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &length, Data(associated_data),
                        static_cast<int>(associated_data.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), Data(sealed), &length, Data(plaintext),
                        static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), Data(sealed) + plaintext.size(), &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                          Data(sealed) + plaintext.size()) != 1) {
    ERR_clear_error();
    return "";
  }
  return sealed;
}

}  // namespace internal
}  // namespace securebase::auth
