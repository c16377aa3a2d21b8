#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "securebase/plans/v1/library.pb.h"
#include "securebase/plans/v1/plan.pb.h"

// The guard against coercive practices (Chaffin et al. 2006, Child Maltreatment 11(1):76-89). It
// finds words; what they mean is for a supervisor to say. It never changes a text.
namespace securebase::plans::rules {

// The words of a text, ready to be compared: lower case, without accents, soft hyphens and
// zero-width characters, compatibility forms (full width, ligatures of Latin letters) as plain
// letters, apostrophes left out. Anything else between letters and digits separates words, and the
// end of a sentence is a word of its own, ".", that no phrase matches.
struct Word {
  std::string text;
  size_t begin = 0;  // bytes of the original text
  size_t end = 0;
};
std::vector<Word> SplitWords(absl::string_view text);

// Words in a text that match a term.
struct GuardMatch {
  const v1::GuardTerm* term;  // of the guard
  std::string excerpt;        // the words as they stand in the text, 100 bytes at most
};

class Guard {
 public:
  // INVALID_ARGUMENT (INVALID_FIELDS) when a phrase has no word or begins or ends with "~".
  static absl::StatusOr<Guard> Make(std::vector<v1::GuardTerm> terms);

  // One match at most for each term, in the order of the terms.
  std::vector<GuardMatch> Find(absl::string_view text) const;

  // FAILED_PRECONDITION (TECHNIQUE_CONTRAINDICATED), with the reference, when the code or the title
  // of a technique is that of a contraindicated one.
  absl::Status CheckTechnique(absl::string_view code, absl::string_view title) const;

 private:
  struct PhraseWord {
    std::string text;     // without the "*"
    bool prefix = false;  // any ending matches
    bool gap = false;     // up to three words may stand before it
  };
  struct Phrase {
    size_t term;  // index into terms_
    std::vector<PhraseWord> words;
  };

  static bool Matches(const PhraseWord& pattern, const Word& word);
  // One past the last word matched, from `words[from]` on with the phrase's word `index`; 0: none.
  static size_t MatchFrom(const Phrase& phrase, size_t index, const std::vector<Word>& words,
                          size_t from);

  std::vector<v1::GuardTerm> terms_;
  std::vector<Phrase> phrases_;  // in the order of the terms
};

// A text that a plan rests on without containing it: the description of a technique of the
// practice's own.
struct ForeignText {
  std::string field;  // what GuardWarning.field says
  std::string text;
};

// The warnings for every text in `content` and in `foreign`, with ids "w1", "w2" …, in the order of
// the fields. Where `previous` is a revision with an answered warning for the same term in the same
// text, the answer is kept.
struct PreviousRevision {
  const v1::PlanContent* content;
  std::vector<v1::GuardWarning> warnings;
};
std::vector<v1::GuardWarning> FindWarnings(const Guard& guard, const v1::PlanContent& content,
                                           const std::vector<ForeignText>& foreign,
                                           const std::optional<PreviousRevision>& previous);

// Every text of the content that a person wrote, with its path: "techniques[2].comment".
std::vector<ForeignText> TextsOf(const v1::PlanContent& content);

}  // namespace securebase::plans::rules
