# Everything comes from Debian 12; scripts/install-dependencies installs it.

find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)  # the module: Debian ships no config package
find_package(absl CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)

if(SECUREBASE_GRPC)
  find_package(gRPC CONFIG REQUIRED)
endif()

# hiredis 0.14 has no CMake package.
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h REQUIRED)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
add_library(hiredis::hiredis UNKNOWN IMPORTED)
set_target_properties(hiredis::hiredis PROPERTIES
  IMPORTED_LOCATION ${HIREDIS_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${HIREDIS_INCLUDE_DIR})

# libmicrohttpd has no CMake package. It serves /metrics, /livez and /readyz.
find_path(MICROHTTPD_INCLUDE_DIR microhttpd.h REQUIRED)
find_library(MICROHTTPD_LIBRARY microhttpd REQUIRED)
add_library(microhttpd::microhttpd UNKNOWN IMPORTED)
set_target_properties(microhttpd::microhttpd PROPERTIES
  IMPORTED_LOCATION ${MICROHTTPD_LIBRARY}
  INTERFACE_INCLUDE_DIRECTORIES ${MICROHTTPD_INCLUDE_DIR})

if(SECUREBASE_TESTS)
  find_package(GTest CONFIG REQUIRED)
  find_package(benchmark CONFIG REQUIRED)
endif()
