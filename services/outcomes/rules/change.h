#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/outcomes/v1/change.pb.h"
#include "securebase/outcomes/v1/instrument.pb.h"
#include "securebase/outcomes/v1/norm.pb.h"
#include "securebase/outcomes/v1/score.pb.h"

namespace securebase::outcomes {

// Jacobson & Truax 1991 (J Consult Clin Psychol 59:12-19). `sd` > 0 is the standard deviation at
// the first assessment, `reliability` is between 0 and 1.

// SE = SD·sqrt(1 − r): the standard error of measurement.
double StandardError(double sd, double reliability);

// z·sqrt(2)·SE: points that a change must exceed to be reliable. z is 1.96 at 95 %, as the authors
// write it, and 1.645 at 90 %. `confidence_level` is 90 or 95.
double ReliableChangeThreshold(double sd, double reliability, int confidence_level);

// The cut-off of the method, or nothing if `inputs` lack a figure for it:
//   a = M_clin ± 2·SD_clin   towards function
//   b = M_norm ∓ 2·SD_norm   towards dysfunction; the SD is that of the norm group
//   c = (SD_norm·M_clin + SD_clin·M_norm) / (SD_norm + SD_clin)
std::optional<double> JacobsonTruaxCutOff(const v1::ChangeInputs& inputs, v1::CutOffMethod method,
                                          v1::Direction direction);

// How a change is to be judged.
struct ChangeOptions {
  // The policy (or the id of `norm`) to use; empty: the definition's default, and where it has none
  // the norm.
  std::string policy = {};
  // What the practice has approved for this scale; may be null. Where the policy that judges is the
  // norm's, the verdict names the norm, and is not provisional: somebody has vouched for it.
  const v1::Norm* norm = nullptr;
};

// The verdict on `scale` between two values, either of which may not exist. It is as sure as the
// least sure of the policy, its cut-off and how the scale is scored: provisional below high
// confidence, INSUFFICIENT_DATA at a low one. INVALID_ARGUMENT,
// INVALID_FIELDS: an unknown scale or policy, a value out of the scale's range, a norm that is not
// for this scale and version, or that nobody has approved. `definition` has passed CheckDefinition,
// the norm CheckNorm.
absl::StatusOr<v1::ChangeVerdict> ClassifyChange(const v1::InstrumentDefinition& definition,
                                                 absl::string_view scale,
                                                 std::optional<double> from,
                                                 std::optional<double> to,
                                                 const ChangeOptions& options);

// Pairs of values (before and after), added up. The sums are whole numbers, in units of 2^-20 of a
// point, so that they depend on which pairs are in them and not on the order in which pairs came
// and went. Values beyond ±131,072, which no scale reaches, count as that much.
class PairSums {
 public:
  void Add(double before, double after) { Change(before, after, 1); }
  // A pair that was added.
  void Remove(double before, double after) { Change(before, after, -1); }

  int64_t count() const { return count_; }
  double MeanBefore() const;
  double MeanAfter() const;
  // The variance of what was before, n − 1; exactly 0 without spread. At least two pairs.
  double VarianceBefore() const;

  // The sums, for comparison.
  std::string DebugString() const;

  friend bool operator==(const PairSums& a, const PairSums& b) {
    return a.count_ == b.count_ && a.before_ == b.before_ && a.after_ == b.after_ &&
           a.before_squared_ == b.before_squared_;
  }

 private:
  void Change(double before, double after, int sign);

  int64_t count_ = 0;
  int64_t before_ = 0;
  int64_t after_ = 0;
  absl::int128 before_squared_ = 0;
};

// d = (M_pre − M_post)/SD_pre, the sign turned so that positive is better; g = d·(1 − 3/(4·df −
// 1)), df = n − 1 (Hedges 1981). FAILED_PRECONDITION with fewer than 3 pairs or no spread before
// (with 2 pairs the correction is 0, which says nothing). INVALID_ARGUMENT where neither direction
// is better.
absl::StatusOr<v1::EffectSize> ComputeEffectSize(const PairSums& pairs, v1::Direction direction);

// NHS Talking Therapies' paired outcome (its manual, "reliable improvement" and "recovery"): from
// the verdicts of the depression and the anxiety measure over the course of treatment, each by its
// NHS policy (phq-9 and gad-7: their default). `treatment_contacts`: nothing = not reported.
// INVALID_ARGUMENT if a verdict has no values, no threshold or no cut-off, or if lower is worse.
absl::StatusOr<v1::PairedOutcome> NhsPairedOutcome(const v1::ChangeVerdict& depression,
                                                   const v1::ChangeVerdict& anxiety,
                                                   std::optional<int> treatment_contacts);

// How a point moved on the attachment plane.
v1::PlaneVector MoveOnPlane(const v1::AttachmentPoint& from, const v1::AttachmentPoint& to);

// The mean of the points of several relationships, with equal weights (ECR-RS global attachment,
// Fraley et al. 2011). Nothing if there is no point.
std::optional<v1::AttachmentPoint> GlobalAttachment(const std::vector<v1::AttachmentPoint>& points);

// Two informants about one subject on the same scale: gap against 1.96·sqrt(SE1² + SE2²).
v1::InformantGap CompareInformants(double first, double second,
                                   std::optional<double> first_standard_error,
                                   std::optional<double> second_standard_error);

}  // namespace securebase::outcomes
