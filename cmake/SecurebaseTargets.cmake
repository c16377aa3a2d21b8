# One target per folder, with narrow links: that is how the layers of docs/architecture.md are
# enforced by the build (tests/unit/layers_test reads the include lines as well).

# securebase_library(<name> DEPS <target>...)
#
# A static library of every *.cc in the current folder (grpc_service.cc and main.cc excepted: they
# belong to the binary).
function(securebase_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
    list(FILTER ARG_SOURCES EXCLUDE REGEX "/(main|grpc_service)\\.cc$")
  endif()
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE securebase_flags)
    securebase_precompile(${name})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# securebase_binary(<name> SOURCES <file>... DEPS <target>...)
function(securebase_binary name)
  cmake_parse_arguments(ARG "" "" "DEPS;SOURCES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} securebase_flags)
  # Not precompiled: executables are compiled with -fPIE, the shared header with -fPIC.
endfunction()

# securebase_test(<name> DEPS <target>... [SOURCES <file>...] [LABELS <label>...] [TIMEOUT <s>])
#
# A GoogleTest executable of every *_test.cc in the current folder, run as one ctest test.
function(securebase_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPS;SOURCES;LABELS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  endif()
  if(NOT ARG_SOURCES)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(SECUREBASE_SANITIZE)
    math(EXPR ARG_TIMEOUT "5 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} securebase_testing_main securebase_flags)
  target_compile_definitions(${name} PRIVATE SECUREBASE_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    SECUREBASE_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  if(SECUREBASE_SANITIZE MATCHES thread)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT
      TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan_suppressions.txt)
  endif()
  if(ARG_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()

# securebase_embed(<target> SYMBOL <function> FILES <file>...)
#
# Compiles data files into <target>. The generated header "<target>_data.h" declares
#   const std::vector<securebase::EmbeddedFile>& <function>();
# with each file's name (without its folder) and contents, in the order of the names.
function(securebase_embed target)
  cmake_parse_arguments(ARG "" "SYMBOL" "FILES" ${ARGN})
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  set(header ${dir}/${target}_data.h)
  set(source ${dir}/${target}_data.cc)
  list(SORT ARG_FILES)
  string(REPLACE ";" "|" files "${ARG_FILES}")
  add_custom_command(OUTPUT ${header} ${source}
    COMMAND ${CMAKE_COMMAND} -DHEADER=${header} -DSOURCE=${source} -DSYMBOL=${ARG_SYMBOL}
      "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
    DEPENDS ${ARG_FILES} ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake
    COMMENT "Embedding data files into ${target}" VERBATIM)
  target_sources(${target} PRIVATE ${source} ${header})
  target_include_directories(${target} PRIVATE ${dir})
endfunction()

# Every target shares one precompiled header (one per target was slower).
function(securebase_precompile name)
  if(NOT TARGET securebase_pch)
    return()
  endif()
  target_precompile_headers(${name} REUSE_FROM securebase_pch)
endfunction()
