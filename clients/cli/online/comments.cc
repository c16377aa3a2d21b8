#include "clients/cli/online/comments.h"

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli_online_data.h"
#include "google/protobuf/descriptor.pb.h"

namespace securebase::cli {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::EnumDescriptorProto;
using google::protobuf::FileDescriptorProto;

using Comments = std::map<std::string, std::string>;

// Lines of a paragraph are joined, paragraphs kept apart.
std::string Reflow(const std::string& comment) {
  std::vector<std::string> paragraphs(1);
  for (absl::string_view line : absl::StrSplit(comment, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) {
      if (!paragraphs.back().empty()) {
        paragraphs.emplace_back();
      }
      continue;
    }
    absl::StrAppend(&paragraphs.back(), paragraphs.back().empty() ? "" : " ", line);
  }
  if (paragraphs.back().empty()) {
    paragraphs.pop_back();
  }
  return absl::StrJoin(paragraphs, "\n\n");
}

// The full name of what a source location's path leads to: numbers alternate between a field of the
// descriptor's own proto and an index in it.
std::string NameOfPath(const FileDescriptorProto& file,
                       const google::protobuf::RepeatedField<int>& path) {
  std::string name = file.package();
  const DescriptorProto* message = nullptr;
  const EnumDescriptorProto* enumeration = nullptr;
  const google::protobuf::ServiceDescriptorProto* service = nullptr;
  for (int i = 0; i + 1 < path.size(); i += 2) {
    const int field = path[i];
    const int index = path[i + 1];
    const std::string* part = nullptr;
    if (message == nullptr && enumeration == nullptr && service == nullptr) {
      if (field == FileDescriptorProto::kMessageTypeFieldNumber) {
        message = &file.message_type(index);
        part = &message->name();
      } else if (field == FileDescriptorProto::kEnumTypeFieldNumber) {
        enumeration = &file.enum_type(index);
        part = &enumeration->name();
      } else if (field == FileDescriptorProto::kServiceFieldNumber) {
        service = &file.service(index);
        part = &service->name();
      }
    } else if (enumeration != nullptr) {
      // A value is named beside its enum, not below it.
      name.resize(name.rfind('.'));
      part = field == EnumDescriptorProto::kValueFieldNumber ? &enumeration->value(index).name()
                                                             : nullptr;
    } else if (service != nullptr) {
      part = field == google::protobuf::ServiceDescriptorProto::kMethodFieldNumber
                 ? &service->method(index).name()
                 : nullptr;
    } else if (field == DescriptorProto::kFieldFieldNumber) {
      part = &message->field(index).name();
    } else if (field == DescriptorProto::kNestedTypeFieldNumber) {
      message = &message->nested_type(index);
      part = &message->name();
    } else if (field == DescriptorProto::kEnumTypeFieldNumber) {
      enumeration = &message->enum_type(index);
      part = &enumeration->name();
    }
    if (part == nullptr) {
      return "";
    }
    absl::StrAppend(&name, ".", *part);
  }
  return path.size() % 2 == 0 ? name : "";
}

Comments ReadComments() {
  Comments comments;
  for (const EmbeddedFile& embedded : CliOnlineData()) {
    google::protobuf::FileDescriptorSet set;
    set.ParseFromArray(embedded.contents.data(), static_cast<int>(embedded.contents.size()));
    for (const FileDescriptorProto& file : set.file()) {
      for (const auto& location : file.source_code_info().location()) {
        const std::string name = NameOfPath(file, location.path());
        if (!name.empty() && !location.leading_comments().empty()) {
          comments[name] = Reflow(location.leading_comments());
        }
      }
    }
  }
  return comments;
}

}  // namespace

std::string CommentOf(const std::string& full_name) {
  static const auto* comments = new Comments(ReadComments());
  const auto found = comments->find(full_name);
  return found == comments->end() ? "" : found->second;
}

}  // namespace securebase::cli
