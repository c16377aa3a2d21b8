#include "services/platform/api/fingerprint.h"

#include <memory>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "services/platform/base/sha256.h"

namespace securebase::api {

std::string Fingerprint(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> copy(request.New());
  copy->CopyFrom(request);
  for (const char* name : {"request_id", "page_token", "page_size"}) {
    if (const auto* field = copy->GetDescriptor()->FindFieldByName(name); field != nullptr) {
      copy->GetReflection()->ClearField(copy.get(), field);
    }
  }
  std::string bytes = copy->GetDescriptor()->full_name();
  bytes.push_back('\0');
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    copy->SerializeToCodedStream(&out);
  }
  return Sha256(bytes);
}

}  // namespace securebase::api
