# Warnings, sanitizers, ccache and the shared precompiled header.

add_library(securebase_flags INTERFACE)
target_compile_options(securebase_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wvla -Wunused)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(securebase_flags INTERFACE -Wthread-safety -Wimplicit-fallthrough)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these falsely inside libstdc++ and Abseil when it inlines.
  target_compile_options(securebase_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized
    -Wno-stringop-overflow -Wno-array-bounds)
endif()

if(SECUREBASE_SANITIZE)
  add_compile_options(-fsanitize=${SECUREBASE_SANITIZE} -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=${SECUREBASE_SANITIZE})
  if(SECUREBASE_SANITIZE MATCHES thread)
    # Headers of protobuf lay maps out otherwise where this is set; Debian's library was built without.
    add_compile_options(-U__SANITIZE_THREAD__)
  endif()
  if(SECUREBASE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# gRPC asks for it, and a precompiled header fits only where all ask for the same.
add_compile_options(-pthread)

if(SECUREBASE_FUZZ)
  # Coverage in all of our code; tests/fuzz adds libFuzzer's main to its executables.
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()

# Hardened like a Debian package: this holds patient data.
add_compile_options(-fstack-protector-strong)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-D_FORTIFY_SOURCE=2)
endif()
add_link_options(-Wl,-z,relro,-z,now)

find_program(SECUREBASE_CCACHE ccache)
if(SECUREBASE_CCACHE)
  set(launcher ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${SECUREBASE_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

# Linking is quick with lld where it is installed; without it the default linker serves.
find_program(SECUREBASE_LLD NAMES ld.lld-14 ld.lld)
if(SECUREBASE_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(-fuse-ld=lld)
endif()
