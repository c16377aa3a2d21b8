# The precompiled header that all of our targets share. Standard library and Abseil only: what a
# folder may include beyond that is decided by its links and by tests/unit/layers_test.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cc "")
add_library(securebase_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cc)
target_link_libraries(securebase_pch PRIVATE absl::status absl::statusor absl::strings absl::time
  absl::flat_hash_map securebase_flags)
target_precompile_headers(securebase_pch PRIVATE
  <algorithm> <cstdint> <functional> <map> <memory> <optional> <string> <utility> <vector>
  <absl/container/flat_hash_map.h> <absl/status/status.h> <absl/status/statusor.h>
  <absl/strings/str_cat.h> <absl/strings/str_join.h> <absl/strings/str_split.h>
  <absl/strings/string_view.h> <absl/time/time.h>)
