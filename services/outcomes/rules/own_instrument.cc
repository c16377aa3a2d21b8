#include "services/outcomes/rules/own_instrument.h"

#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/outcomes/rules/language.h"
#include "services/platform/api/timestamp.h"

namespace securebase::outcomes {
namespace {

bool IsLowerCase(absl::string_view id) { return !absl::c_any_of(id, absl::ascii_isupper); }

// Items as they stand on the form, whose texts may not be left out.
bool NeedsText(const v1::Item& item) { return !item.unscored(); }

}  // namespace

bool IsOwnInstrument(absl::string_view id) { return absl::StartsWith(id, kOwnPrefix); }

std::vector<FieldViolation> CheckOwnDefinition(const v1::InstrumentDefinition& definition,
                                               const Catalogue& built_in) {
  std::vector<FieldViolation> violations = CheckDefinition(definition);
  const std::string& id = definition.id();
  if (!IsOwnInstrument(id) || id.size() == kOwnPrefix.size() || !IsLowerCase(id)) {
    violations.push_back(
        {"id", absl::StrCat("must begin with \"", kOwnPrefix,
                            "\", in lower case: other ids are those of built-in instruments")});
  }
  for (const v1::InstrumentDefinition* other : built_in.Newest()) {
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(definition.abbreviation()),
                               other->abbreviation())) {
      violations.push_back({"abbreviation", absl::StrCat("is that of the built-in instrument ",
                                                         other->id(), "; say whose this one is")});
    }
  }
  return violations;
}

std::vector<FieldViolation> CheckTexts(const v1::InstrumentDefinition& definition,
                                       const v1::InstrumentTexts& texts) {
  std::vector<FieldViolation> violations;
  if (!IsLanguageTag(texts.language())) {
    violations.push_back({"language", "must be a BCP 47 tag: \"de\", \"pt-BR\""});
  }
  std::set<std::string> worded;
  for (int i = 0; i < texts.items_size(); ++i) {
    const std::string path = absl::StrCat("items[", i, "].item");
    if (FindItem(definition, texts.items(i).item()) == nullptr) {
      violations.push_back({path, "the instrument has no such item"});
    } else if (!worded.insert(texts.items(i).item()).second) {
      violations.push_back({path, "is named twice"});
    }
  }
  for (const v1::Item& item : definition.items()) {
    if (NeedsText(item) && worded.count(item.id()) == 0) {
      violations.push_back({"items", absl::StrCat("lacks a text for item ", item.id())});
    }
  }
  std::set<std::pair<std::string, int>> named;
  for (int i = 0; i < texts.answers_size(); ++i) {
    const v1::AnswerText& answer = texts.answers(i);
    const std::string path = absl::StrCat("answers[", i, "]");
    if (answer.items().empty() && !named.insert({"", answer.value()}).second) {
      violations.push_back({path + ".value", "is named twice"});
    }
    for (int j = 0; j < answer.items_size(); ++j) {
      const std::string place = absl::StrCat(path, ".items[", j, "]");
      const v1::Item* item = FindItem(definition, answer.items(j));
      if (item == nullptr) {
        violations.push_back({place, "the instrument has no such item"});
      } else if (answer.value() < item->min() || answer.value() > item->max()) {
        violations.push_back({place, absl::StrCat("takes ", item->min(), " to ", item->max())});
      } else if (!named.insert({item->id(), answer.value()}).second) {
        violations.push_back({place, "has a text for this answer already"});
      }
    }
    if (answer.items().empty() && !absl::c_any_of(definition.items(), [&](const v1::Item& item) {
          return answer.value() >= item.min() && answer.value() <= item.max();
        })) {
      violations.push_back({path + ".value", "is no answer of any item"});
    }
  }
  return violations;
}

void FollowVersion(int number, v1::PublicationStatus from, v1::PublicationStatus to,
                   v1::Instrument& instrument) {
  if (from == v1::PUBLICATION_STATUS_UNSPECIFIED) {
    instrument.set_newest_version(number);
  }
  if (to == v1::PUBLICATION_STATUS_ACTIVE) {
    instrument.set_active_version(number);
    instrument.set_status(v1::PUBLICATION_STATUS_ACTIVE);
  } else if (from == v1::PUBLICATION_STATUS_ACTIVE) {
    instrument.set_active_version(0);
    instrument.set_status(v1::PUBLICATION_STATUS_RETIRED);
  } else if (instrument.status() == v1::PUBLICATION_STATUS_UNSPECIFIED) {
    instrument.set_status(v1::PUBLICATION_STATUS_DRAFT);
  }
}

bool MayScore(const v1::InstrumentVersion& version, absl::Time answered) {
  if (version.status() != v1::PUBLICATION_STATUS_RETIRED) {
    return version.status() == v1::PUBLICATION_STATUS_ACTIVE;
  }
  // A draft that was thrown away has never been in use.
  return version.changes_size() >= 2 &&
         version.changes(version.changes_size() - 2).status() == v1::PUBLICATION_STATUS_ACTIVE &&
         answered < api::FromProto(version.changes().rbegin()->time());
}

}  // namespace securebase::outcomes
