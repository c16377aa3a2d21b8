# securebase_proto_library(<name> ROOT <dir> PROTOS <file>... [GRPC] [DEPS <target>...])
#
# Generates C++ from .proto files, again when an imported file changes (--dependency_out), and
# compiles it without our warnings. With GRPC the service stubs as well.
function(securebase_proto_library name)
  cmake_parse_arguments(ARG "GRPC" "ROOT" "PROTOS;DEPS" ${ARGN})
  set(out ${CMAKE_BINARY_DIR}/generated)
  file(MAKE_DIRECTORY ${out})
  if(ARG_GRPC)
    get_target_property(plugin gRPC::grpc_cpp_plugin LOCATION)
  endif()
  set(sources)
  foreach(proto IN LISTS ARG_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem ${proto})
    if(ARG_GRPC)
      set(generated ${out}/${stem}.grpc.pb.cc ${out}/${stem}.grpc.pb.h)
      set(arguments --grpc_out=${out} --plugin=protoc-gen-grpc=${plugin})
      set(depfile ${CMAKE_CURRENT_BINARY_DIR}/${stem}.grpc.pb.d)
    else()
      set(generated ${out}/${stem}.pb.cc ${out}/${stem}.pb.h)
      set(arguments --cpp_out=${out})
      set(depfile ${CMAKE_CURRENT_BINARY_DIR}/${stem}.d)
    endif()
    get_filename_component(depdir ${depfile} DIRECTORY)
    file(MAKE_DIRECTORY ${depdir})
    list(GET generated 0 first)
    # protoc allows --dependency_out with one generator that writes files itself.
    add_custom_command(OUTPUT ${generated}
      COMMAND protobuf::protoc ${arguments} --dependency_out=${depfile}
        -I${ARG_ROOT} -I${CMAKE_SOURCE_DIR}/proto ${ARG_ROOT}/${proto}
      DEPENDS ${ARG_ROOT}/${proto} DEPFILE ${depfile}
      COMMENT "protoc ${proto}" VERBATIM)
    list(APPEND sources ${generated})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf ${ARG_DEPS})
  if(ARG_GRPC)
    target_link_libraries(${name} PUBLIC gRPC::grpc++)
  endif()
  target_compile_options(${name} PRIVATE -w)
endfunction()
