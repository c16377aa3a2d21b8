#include "services/platform/obs/redact.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>

#include <filesystem>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "redact_test.pb.h"
#include "securebase/options/v1/options.pb.h"

namespace securebase::obs {
namespace {

using ::google::protobuf::Any;
using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::MessageFactory;
using ::google::protobuf::Reflection;
using ::securebase::testing::Leaf;
using ::securebase::testing::NewerTree;
using ::securebase::testing::Tree;
using ::testing::HasSubstr;

constexpr char kCanary[] = "CANARY";

// Puts the canary into every string and bytes field that is, or lies in, a protected field, and
// "open" into the others. Returns whether any canary was put in.
bool Fill(Message& message, bool is_protected, int depth) {
  if (depth > 6) {
    return false;
  }
  bool any = false;
  const Reflection* reflection = message.GetReflection();
  const Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const bool secret = is_protected || field->options().GetExtension(options::v1::patient_data);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      const std::string text = secret ? kCanary : "open";
      if (field->is_repeated()) {
        reflection->AddString(&message, field, text);
      } else {
        reflection->SetString(&message, field, text);
      }
      any = any || secret;
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* nested = field->is_repeated() ? reflection->AddMessage(&message, field)
                                             : reflection->MutableMessage(&message, field);
      any = Fill(*nested, secret, depth + 1) || any;
    }
  }
  return any;
}

Leaf FullLeaf() {
  Leaf leaf;
  leaf.set_open("open");
  leaf.set_secret(kCanary);
  leaf.set_secret_bytes(kCanary);
  leaf.set_secret_number(4711);
  leaf.add_secret_list(kCanary);
  (*leaf.mutable_secret_map())[kCanary] = kCanary;
  return leaf;
}

std::string Cleared(Tree tree) {
  ClearPatientData(tree);
  return tree.SerializeAsString();
}

TEST(RedactTest, ClearsEveryKindOfProtectedField) {
  Leaf leaf = FullLeaf();
  ClearPatientData(leaf);
  Leaf expected;
  expected.set_open("open");
  EXPECT_EQ(leaf.SerializeAsString(), expected.SerializeAsString());
}

TEST(RedactTest, ClearsAtEveryPlaceAndKeepsTheRest) {
  Tree tree;
  tree.set_name("name");
  *tree.mutable_leaf() = FullLeaf();
  *tree.add_leaves() = FullLeaf();
  (*tree.mutable_by_name())["key"] = FullLeaf();
  tree.mutable_any()->PackFrom(FullLeaf());
  tree.add_anys()->PackFrom(FullLeaf());
  *tree.mutable_tree()->mutable_leaf() = FullLeaf();
  *tree.mutable_secret_leaf() = FullLeaf();
  *tree.mutable_chosen() = FullLeaf();
  ASSERT_THAT(tree.SerializeAsString(), HasSubstr(kCanary));
  ClearPatientData(tree);
  EXPECT_THAT(tree.SerializeAsString(), Not(HasSubstr(kCanary)));
  EXPECT_EQ(tree.name(), "name");
  EXPECT_EQ(tree.leaf().open(), "open");
  EXPECT_EQ(tree.leaf().secret_number(), 0);
  EXPECT_EQ(tree.leaves(0).open(), "open");
  EXPECT_EQ(tree.by_name().at("key").open(), "open");
  Leaf packed;
  ASSERT_TRUE(tree.any().UnpackTo(&packed));
  EXPECT_EQ(packed.open(), "open");
  EXPECT_FALSE(tree.has_secret_leaf());
}

TEST(RedactTest, ClearsAProtectedChoice) {
  Tree tree;
  tree.set_secret_choice(kCanary);
  EXPECT_THAT(Cleared(tree), Not(HasSubstr(kCanary)));
}

TEST(RedactTest, AnAnyInAnAnyIsFollowed) {
  Tree inner;
  inner.mutable_any()->PackFrom(FullLeaf());
  Tree tree;
  tree.mutable_any()->PackFrom(inner);
  EXPECT_THAT(Cleared(tree), Not(HasSubstr(kCanary)));
}

TEST(RedactTest, WhatCannotBeJudgedIsCleared) {
  Tree tree;
  tree.mutable_any()->set_type_url("type.googleapis.com/unknown.Type");
  tree.mutable_any()->set_value(kCanary);
  EXPECT_THAT(Cleared(tree), Not(HasSubstr(kCanary)));
  tree.mutable_any()->set_type_url("type.googleapis.com/securebase.testing.Leaf");
  tree.mutable_any()->set_value("\xff CANARY");
  EXPECT_THAT(Cleared(tree), Not(HasSubstr(kCanary)));

  NewerTree newer;
  newer.set_name("name");
  newer.set_added(kCanary);
  Tree older;
  ASSERT_TRUE(older.ParseFromString(newer.SerializeAsString()));
  ASSERT_THAT(older.SerializeAsString(), HasSubstr(kCanary));
  EXPECT_THAT(Cleared(older), Not(HasSubstr(kCanary)));
}

TEST(RedactTest, AnEndlessNestIsCut) {
  Tree tree;
  Tree* inner = &tree;
  for (int i = 0; i < 500; ++i) {
    inner = inner->mutable_tree();
  }
  *inner->mutable_leaf() = FullLeaf();
  EXPECT_THAT(Cleared(tree), Not(HasSubstr(kCanary)));
}

TEST(RedactTest, JsonShowsTheRest) {
  Tree tree;
  tree.set_name("name");
  *tree.mutable_leaf() = FullLeaf();
  EXPECT_EQ(RedactedJson(tree), R"({"name":"name","leaf":{"open":"open"}})");
  tree.mutable_any()->set_type_url("type.googleapis.com/unknown.Type");
  tree.mutable_any()->set_value(kCanary);
  EXPECT_THAT(RedactedJson(tree), Not(HasSubstr(kCanary)));
}

// Every message of every package, filled to the brim.
TEST(RedactTest, NoMessageOfTheApiKeepsACanary) {
  const std::filesystem::path root = SECUREBASE_SOURCE_DIR "/proto";
  int messages = 0;
  int with_canary = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "securebase")) {
    if (entry.path().extension() != ".proto") {
      continue;
    }
    const FileDescriptor* file =
        DescriptorPool::generated_pool()->FindFileByName(entry.path().lexically_relative(root));
    ASSERT_NE(file, nullptr) << entry.path();
    for (int i = 0; i < file->message_type_count(); ++i) {
      const Descriptor* type = file->message_type(i);
      const std::unique_ptr<Message> message(
          MessageFactory::generated_factory()->GetPrototype(type)->New());
      const bool filled = Fill(*message, false, 0);
      ASSERT_EQ(filled, absl::StrContains(message->SerializeAsString(), kCanary))
          << type->full_name();
      EXPECT_THAT(RedactedJson(*message), Not(HasSubstr(kCanary))) << type->full_name();
      ++messages;
      with_canary += filled ? 1 : 0;
    }
  }
  EXPECT_GT(messages, 10);
  EXPECT_GT(with_canary, 3);
}

}  // namespace
}  // namespace securebase::obs
