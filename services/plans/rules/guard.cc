#include "services/plans/rules/guard.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/platform/base/error.h"
#include "services/platform/base/resource_name.h"
#include "services/platform/base/status_macros.h"

namespace securebase::plans::rules {
namespace {

constexpr size_t kMaxGap = 3;
constexpr size_t kMaxExcerptBytes = 100;

struct CodePoint {
  uint32_t value = 0;  // 0 for a byte that is not UTF-8
  size_t length = 1;
};

CodePoint Decode(absl::string_view text, size_t at) {
  const auto byte = [&](size_t offset) -> uint32_t {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0;
  };
  const auto continues = [&](size_t offset) { return (byte(offset) & 0xC0) == 0x80; };
  const uint32_t lead = byte(0);
  if (lead < 0x80) {
    return {lead, 1};
  }
  if ((lead & 0xE0) == 0xC0 && continues(1)) {
    return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  }
  if ((lead & 0xF0) == 0xE0 && continues(1) && continues(2)) {
    return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  }
  if ((lead & 0xF8) == 0xF0 && continues(1) && continues(2) && continues(3)) {
    return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
            4};
  }
  return {0, 1};
}

// Base letters of U+00C0 to U+017F (Latin-1 Supplement and Latin Extended-A), one each; "?" where
// there is none of its own.
constexpr absl::string_view kLatin =
    "aaaaaaaceeeeiiiidnooooo?ouuuuyts"   // C0-DF
    "aaaaaaaceeeeiiiidnooooo?ouuuuyty"   // E0-FF
    "aaaaaaccccccccddddeeeeeeeeeegggg"   // 100-11F
    "gggghhhhiiiiiiiiiiiijjkkklllllll"   // 120-13F
    "lllnnnnnnnnnoooooooorrrrrrssssss"   // 140-15F
    "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";  // 160-17F
static_assert(kLatin.size() == 0x180 - 0xC0);

enum class CharacterKind { kLetter, kIgnored, kSentenceEnd, kSeparator };

struct Character {
  CharacterKind kind = CharacterKind::kSeparator;
  absl::string_view letters;  // what it counts as
};

bool IsIgnored(uint32_t c) {
  return c == '\'' || c == 0x2019 || c == 0x02BC ||  // apostrophes
         c == 0x00AD || (c >= 0x200B && c <= 0x200D) || c == 0x2060 || c == 0xFEFF ||
         (c >= 0x0300 && c <= 0x036F);  // combining accents
}

Character Classify(uint32_t c) {
  static constexpr absl::string_view kAscii = "0123456789abcdefghijklmnopqrstuvwxyz";
  const auto plain = [](uint32_t ascii) -> absl::string_view {
    if (ascii >= '0' && ascii <= '9') {
      return kAscii.substr(ascii - '0', 1);
    }
    if (ascii >= 'A' && ascii <= 'Z') {
      return kAscii.substr(10 + ascii - 'A', 1);
    }
    return ascii >= 'a' && ascii <= 'z' ? kAscii.substr(10 + ascii - 'a', 1) : absl::string_view();
  };
  if (c >= 0xFF10 && c <= 0xFF5A) {
    c -= 0xFEE0;  // full width
  }
  if (const absl::string_view letters = plain(c); !letters.empty()) {
    return {CharacterKind::kLetter, letters};
  }
  if (c >= 0xC0 && c < 0x180) {
    const absl::string_view letter = kLatin.substr(c - 0xC0, 1);
    return letter == "?" ? Character{} : Character{CharacterKind::kLetter, letter};
  }
  switch (c) {
    case 0xFB00:
      return {CharacterKind::kLetter, "ff"};
    case 0xFB01:
      return {CharacterKind::kLetter, "fi"};
    case 0xFB02:
      return {CharacterKind::kLetter, "fl"};
    case '.':
    case '!':
    case '?':
    case ';':
      return {CharacterKind::kSentenceEnd, ""};
    default:
      return {IsIgnored(c) ? CharacterKind::kIgnored : CharacterKind::kSeparator, ""};
  }
}

}  // namespace

std::vector<Word> SplitWords(absl::string_view text) {
  std::vector<Word> words;
  Word word;
  const auto finish = [&] {
    if (!word.text.empty()) {
      words.push_back(std::move(word));
    }
    word = Word();
  };
  for (size_t at = 0; at < text.size();) {
    const CodePoint code_point = Decode(text, at);
    const Character character = Classify(code_point.value);
    const size_t end = at + code_point.length;
    switch (character.kind) {
      case CharacterKind::kLetter:
        if (word.text.empty()) {
          word.begin = at;
        }
        absl::StrAppend(&word.text, character.letters);
        word.end = end;
        break;
      case CharacterKind::kIgnored:
        break;
      case CharacterKind::kSentenceEnd:
        finish();
        words.push_back({".", at, end});
        break;
      case CharacterKind::kSeparator:
        finish();
        break;
    }
    at = end;
  }
  finish();
  return words;
}

absl::StatusOr<Guard> Guard::Make(std::vector<v1::GuardTerm> terms) {
  Guard guard;
  for (size_t term = 0; term < terms.size(); ++term) {
    for (int i = 0; i < terms[term].phrases_size(); ++i) {
      Phrase phrase{term, {}};
      bool gap = false;
      for (absl::string_view part :
           absl::StrSplit(terms[term].phrases(i), ' ', absl::SkipEmpty())) {
        if (part == "~") {
          gap = true;
          continue;
        }
        PhraseWord pattern;
        pattern.prefix = absl::ConsumeSuffix(&part, "*");
        pattern.gap = std::exchange(gap, false) && !phrase.words.empty();
        const std::vector<Word> words = SplitWords(part);
        if (words.size() != 1 || words[0].text != part) {
          phrase.words.clear();
          break;
        }
        pattern.text = words[0].text;
        phrase.words.push_back(std::move(pattern));
      }
      if (phrase.words.empty() || gap || absl::StartsWith(terms[term].phrases(i), "~")) {
        return InvalidFields(
            {{absl::StrCat("guard_terms[", terms[term].id(), "].phrases[", i, "]"),
              "must be lower case words of a-z and 0-9, each with an optional trailing \"*\", with "
              "\"~\" only between two of them"}});
      }
      guard.phrases_.push_back(std::move(phrase));
    }
  }
  guard.terms_ = std::move(terms);
  return guard;
}

bool Guard::Matches(const PhraseWord& pattern, const Word& word) {
  return pattern.prefix ? absl::StartsWith(word.text, pattern.text) : word.text == pattern.text;
}

size_t Guard::MatchFrom(const Phrase& phrase, size_t index, const std::vector<Word>& words,
                        size_t from) {
  if (index == phrase.words.size()) {
    return from;
  }
  const PhraseWord& pattern = phrase.words[index];
  const size_t last = from + (pattern.gap ? kMaxGap : 0);
  for (size_t at = from; at <= last && at < words.size() && words[at].text != "."; ++at) {
    if (Matches(pattern, words[at])) {
      if (const size_t end = MatchFrom(phrase, index + 1, words, at + 1); end != 0) {
        return end;
      }
    }
  }
  return 0;
}

std::vector<GuardMatch> Guard::Find(absl::string_view text) const {
  std::vector<GuardMatch> matches;
  const std::vector<Word> words = SplitWords(text);
  const v1::GuardTerm* found = nullptr;
  for (const Phrase& phrase : phrases_) {
    const v1::GuardTerm& term = terms_[phrase.term];
    for (size_t from = 0; from < words.size() && found != &term; ++from) {
      const size_t end = MatchFrom(phrase, 0, words, from);
      if (end != 0) {
        found = &term;
        const size_t begin_byte = words[from].begin;
        const size_t size = words[end - 1].end - begin_byte;
        matches.push_back(
            {&term,
             std::string(text.substr(
                 begin_byte, size <= kMaxExcerptBytes ? size : words[from].end - begin_byte))});
      }
    }
  }
  return matches;
}

absl::Status Guard::CheckTechnique(absl::string_view code, absl::string_view title) const {
  for (const absl::string_view text : {code, title}) {
    for (const GuardMatch& match : Find(text)) {
      if (match.term->code()) {
        return MakeError(absl::StatusCode::kFailedPrecondition, Reason::kTechniqueContraindicated,
                         absl::StrCat("the technique is contraindicated and never accepted (",
                                      match.term->reference(), "); choose another"),
                         {{"term", match.term->id()}, {"reference", match.term->reference()}});
      }
    }
  }
  return absl::OkStatus();
}

std::vector<ForeignText> TextsOf(const v1::PlanContent& content) {
  std::vector<ForeignText> texts;
  const auto add = [&](std::string field, const std::string& text) {
    if (!text.empty()) {
      texts.push_back({std::move(field), text});
    }
  };
  add("summary", content.summary());
  for (int i = 0; i < content.problems_size(); ++i) {
    add(absl::StrCat("problems[", i, "]"), content.problems(i));
  }
  for (int i = 0; i < content.formulations_size(); ++i) {
    add(absl::StrCat("formulations[", i, "].relationship"), content.formulations(i).relationship());
    add(absl::StrCat("formulations[", i, "].text"), content.formulations(i).text());
  }
  for (int i = 0; i < content.goals_size(); ++i) {
    add(absl::StrCat("goals[", i, "].theme"), content.goals(i).theme());
    add(absl::StrCat("goals[", i, "].rationale"), content.goals(i).rationale());
  }
  for (int i = 0; i < content.techniques_size(); ++i) {
    add(absl::StrCat("techniques[", i, "].comment"), content.techniques(i).comment());
    add(absl::StrCat("techniques[", i, "].rationale"), content.techniques(i).rationale());
  }
  for (int i = 0; i < content.measures_size(); ++i) {
    add(absl::StrCat("measures[", i, "].rationale"), content.measures(i).rationale());
  }
  return texts;
}

std::vector<v1::GuardWarning> FindWarnings(const Guard& guard, const v1::PlanContent& content,
                                           const std::vector<ForeignText>& foreign,
                                           const std::optional<PreviousRevision>& previous) {
  std::vector<ForeignText> texts = TextsOf(content);
  texts.insert(texts.end(), foreign.begin(), foreign.end());
  // Answers by term and text: a text that moved within the plan keeps its answer, a text that
  // changed by one letter does not. Foreign texts never change.
  std::map<std::pair<std::string, std::string>, v1::WarningAnswer> answers;
  if (previous.has_value()) {
    std::map<std::string, std::string> old_texts;
    for (ForeignText& text : TextsOf(*previous->content)) {
      old_texts.emplace(std::move(text.field), std::move(text.text));
    }
    for (const ForeignText& text : foreign) {
      old_texts.emplace(text.field, text.text);
    }
    for (const v1::GuardWarning& warning : previous->warnings) {
      const auto text = old_texts.find(warning.field());
      if (warning.has_answer() && text != old_texts.end()) {
        answers[{warning.term(), text->second}] = warning.answer();
      }
    }
  }
  std::vector<v1::GuardWarning> warnings;
  for (const ForeignText& text : texts) {
    for (const GuardMatch& match : guard.Find(text.text)) {
      v1::GuardWarning warning;
      warning.set_id(absl::StrCat("w", warnings.size() + 1));
      warning.set_field(text.field);
      warning.set_term(match.term->id());
      warning.set_coercive_practice(match.term->coercive_practice());
      warning.set_excerpt(match.excerpt);
      warning.set_reference(match.term->reference());
      const auto answer = answers.find({match.term->id(), text.text});
      if (answer != answers.end()) {
        *warning.mutable_answer() = answer->second;
      }
      warnings.push_back(std::move(warning));
    }
  }
  return warnings;
}

}  // namespace securebase::plans::rules
