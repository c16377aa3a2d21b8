#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "services/outcomes/rules/catalogue.h"
#include "services/outcomes/rules/score.h"

namespace securebase::outcomes::testing {

// An answer per item in the order of the definition; nothing = not answered.
using Form = std::vector<std::optional<int>>;
inline constexpr std::nullopt_t kGap = std::nullopt;

inline const Catalogue& BuiltIn() {
  static const auto* catalogue = [] {
    absl::StatusOr<Catalogue> built_in = BuiltInCatalogue();
    if (!built_in.ok()) {
      ADD_FAILURE() << built_in.status();
      std::abort();
    }
    return new Catalogue(*std::move(built_in));
  }();
  return *catalogue;
}

inline const v1::InstrumentDefinition& Instrument(absl::string_view id) {
  const v1::InstrumentDefinition* definition = BuiltIn().Find(id);
  if (definition == nullptr) {
    ADD_FAILURE() << "no instrument " << std::string(id);
    std::abort();
  }
  return *definition;
}

// Trailing items may be left out.
inline std::vector<v1::Answer> Answers(const v1::InstrumentDefinition& definition,
                                       const Form& form) {
  std::vector<v1::Answer> answers;
  for (size_t i = 0; i < form.size(); ++i) {
    v1::Answer& answer = answers.emplace_back();
    answer.set_item(definition.items(static_cast<int>(i)).id());
    if (form[i].has_value()) {
      answer.set_value(*form[i]);
    } else {
      answer.set_not_answered(true);
    }
  }
  return answers;
}

inline v1::ScoringResult ScoreForm(absl::string_view instrument, const Form& form,
                                   const ScoringContext& context = {}) {
  const v1::InstrumentDefinition& definition = Instrument(instrument);
  absl::StatusOr<v1::ScoringResult> result = Score(definition, Answers(definition, form), context);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : v1::ScoringResult();
}

inline v1::ScaleScore ScaleOf(const v1::ScoringResult& result, absl::string_view id) {
  for (const v1::ScaleScore& score : result.scales()) {
    if (score.id() == id) {
      return score;
    }
  }
  ADD_FAILURE() << "no scale " << std::string(id);
  return {};
}

inline v1::ScaleScore ScaleOf(absl::string_view instrument, const Form& form,
                              absl::string_view scale = "total",
                              const ScoringContext& context = {}) {
  return ScaleOf(ScoreForm(instrument, form, context), scale);
}

// Random answers, `gaps` in a hundred of them missing.
inline Form RandomForm(const v1::InstrumentDefinition& definition, int gaps, std::mt19937& random) {
  Form form;
  for (const v1::Item& item : definition.items()) {
    const bool gap = std::uniform_int_distribution<>(1, 100)(random) <= gaps;
    const int value = std::uniform_int_distribution<>(item.min(), item.max())(random);
    form.push_back(gap ? std::optional<int>() : std::optional<int>(value));
  }
  return form;
}

}  // namespace securebase::outcomes::testing
