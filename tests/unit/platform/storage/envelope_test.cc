#include "services/platform/storage/envelope.h"

#include <random>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "services/platform/storage/crc32c.h"
#include "tests/testing/status_matchers.h"

namespace securebase::storage {
namespace {

using ::securebase::testing::IsError;

Envelope Example() {
  Envelope envelope;
  envelope.schema_version = 3;
  envelope.key_id = 300;
  envelope.episode = "e1";
  envelope.subjects = {"anna", "", "ben"};
  envelope.payload = std::string("\0\xff payload", 10);
  return envelope;
}

void ExpectSame(const Envelope& a, const Envelope& b) {
  EXPECT_EQ(a.schema_version, b.schema_version);
  EXPECT_EQ(a.key_id, b.key_id);
  EXPECT_EQ(a.episode, b.episode);
  EXPECT_EQ(a.subjects, b.subjects);
  EXPECT_EQ(a.payload, b.payload);
}

// RFC 3720 appendix B.4, and the customary check value.
TEST(Crc32cTest, HasThePublishedValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(EnvelopeTest, OpensToWhatWasSealed) {
  ASSERT_OK_AND_ASSIGN(const Envelope opened, OpenEnvelope(SealEnvelope(Example())));
  ExpectSame(opened, Example());
}

TEST(EnvelopeTest, AnEmptyOneOpensToo) {
  ASSERT_OK_AND_ASSIGN(const Envelope opened, OpenEnvelope(SealEnvelope(Envelope())));
  ExpectSame(opened, Envelope());
}

// These bytes are on disks: a release that makes others needs a new format version, and must go on
// reading these.
TEST(EnvelopeTest, TheFormatIsThis) {
  Envelope envelope;
  envelope.key_id = 300;
  envelope.episode = "e1";
  envelope.subjects = {"a", "bc"};
  envelope.payload = "xyz";
  EXPECT_EQ(absl::BytesToHexString(SealEnvelope(envelope)),
            "53420101ac02026531020161026263"
            "0378797a"
            "02b8edc4");
}

TEST(EnvelopeTest, EveryChangedBitIsDataLoss) {
  const std::string sealed = SealEnvelope(Example());
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string damaged = sealed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_THAT(OpenEnvelope(damaged), IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss))
        << "bit " << bit;
  }
}

TEST(EnvelopeTest, EveryTruncationAndExtensionIsDataLoss) {
  const std::string sealed = SealEnvelope(Example());
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THAT(OpenEnvelope(sealed.substr(0, size)),
                IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss))
        << size;
  }
  EXPECT_THAT(OpenEnvelope(sealed + '\0'), IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
}

// A checksum over nonsense is easily made, so the parts are checked for themselves.
TEST(EnvelopeTest, NonsenseUnderAGoodChecksumIsDataLossOrOpensWhole) {
  std::mt19937 random(1);
  int opened = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string body("SB\x01", 3);
    const size_t size = random() % 24;
    for (size_t i = 0; i < size; ++i) {
      body.push_back(static_cast<char>(random() % 8 == 0 ? random() : random() % 4));
    }
    const uint32_t crc = Crc32c(body);
    for (int shift = 0; shift < 32; shift += 8) {
      body.push_back(static_cast<char>((crc >> shift) & 0xff));
    }
    const auto envelope = OpenEnvelope(body);
    if (envelope.ok()) {
      ++opened;
    } else {
      EXPECT_THAT(envelope, IsError(absl::StatusCode::kDataLoss, Reason::kDataLoss));
    }
  }
  EXPECT_GT(opened, 0);
  EXPECT_LT(opened, 20000);
}

TEST(EnvelopeTest, ALaterFormatIsNamed) {
  std::string sealed = SealEnvelope(Example());
  sealed[2] = 2;
  EXPECT_EQ(OpenEnvelope(sealed).status().message(),
            "a stored record has format 2, which this release does not read; install a newer one");
}

}  // namespace
}  // namespace securebase::storage
