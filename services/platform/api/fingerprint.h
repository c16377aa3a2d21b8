#pragma once

#include <string>

#include "google/protobuf/message.h"

namespace securebase::api {

// What a request asks for, as 32 bytes (SHA-256): equal for equal requests, whatever their
// request_id, page_token and page_size at the top. Decides whether a repeated request_id comes with
// the same body, and whether a page token belongs to the same query.
//
// Maps are put in order. Fields this release does not know count by their encoding, so during an
// upgrade the same request may differ between releases when it uses a field that only one knows.
std::string Fingerprint(const google::protobuf::Message& request);

}  // namespace securebase::api
