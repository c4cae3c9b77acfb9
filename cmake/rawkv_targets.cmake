# One function a kind of target, so that every folder's CMakeLists.txt is a plain list of names.

option(RAWKV_WARNINGS_AS_ERRORS "Make every compiler warning an error (preset lint)" OFF)

add_library(rawkv_compile_options INTERFACE)
target_compile_options(rawkv_compile_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wno-sign-conversion -Werror=return-type -Werror=unused-result
                       # Designated initialisers leave the rest at its default on purpose; the other two
                       # are false alarms of GCC 12 over std::optional and std::string at -O2.
                       -Wno-missing-field-initializers
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict>
                       $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
                       $<$<BOOL:${RAWKV_WARNINGS_AS_ERRORS}>:-Werror>)
target_include_directories(rawkv_compile_options INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
                           "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>")
configure_file("${PROJECT_SOURCE_DIR}/base/version_info.h.in"
               "${PROJECT_BINARY_DIR}/generated/base/version_info.h" @ONLY)

# The standard headers that most files include, read once a build. Preset lint does without, so that a forgotten #include shows.
set(standard_headers <algorithm> <array> <atomic> <cstdint> <cstring> <functional> <memory> <optional> <span>
                     <string> <string_view> <thread> <utility> <vector>)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/nothing.cc" CONTENT "int main() {}\n")
add_library(rawkv_pch OBJECT "${PROJECT_BINARY_DIR}/generated/nothing.cc")
target_link_libraries(rawkv_pch PRIVATE rawkv_compile_options)
target_precompile_headers(rawkv_pch PRIVATE ${standard_headers})

# tools/run-tests has eight files of a target compiled as one, for time. Not these: a name of theirs in an
# anonymous namespace is one of another file's, too.
function(rawkv_compiled_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# rawkv_layer(base SOURCES a.cc … [USES wal …] [LINKS third-party …]): one layer as a static
# library rawkv_<name>; cmake/rawkv_install.cmake assembles the public library from the layers.
function(rawkv_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;LINKS" ${ARGN})
  add_library(rawkv_${name} STATIC ${arg_SOURCES})
  target_link_libraries(rawkv_${name} PUBLIC rawkv_compile_options)
  foreach(layer IN LISTS arg_USES)
    target_link_libraries(rawkv_${name} PUBLIC rawkv_${layer})
  endforeach()
  target_link_libraries(rawkv_${name} PRIVATE ${arg_LINKS})
  target_precompile_headers(rawkv_${name} REUSE_FROM rawkv_pch)
  # The headers beside the sources as a file set, of which all_verify_interface_header_sets (preset lint)
  # compiles each alone.
  set(headers)
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(GET source PARENT_PATH folder)
    list(APPEND folders "${folder}")
  endforeach()
  list(REMOVE_DUPLICATES folders)
  foreach(folder IN LISTS folders)
    file(GLOB in_folder CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.h")
    list(APPEND headers ${in_folder})
  endforeach()
  target_sources(rawkv_${name} PUBLIC FILE_SET own_headers TYPE HEADERS
                 BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${headers})
endfunction()

if(RAWKV_BUILD_TESTS)
  find_package(GTest REQUIRED)
  # A test's own files are not optimized but in release: the engine is what is to be checked, and the compiler
  # needs a third to two thirds less for a GoogleTest file. Sanitizers leave them out as well.
  add_library(rawkv_test_options INTERFACE)
  target_link_libraries(rawkv_test_options INTERFACE rawkv_compile_options GTest::gtest)
  # Of GoogleTest's own macros, which do not count as a system header's in a precompiled one.
  target_compile_options(rawkv_test_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-dangling-else>)
  target_compile_options(rawkv_test_options INTERFACE $<$<CONFIG:RelWithDebInfo>:-O0>
                         $<$<BOOL:${RAWKV_SANITIZE}>:-fno-sanitize=undefined>)
  # A program, since a library's precompiled header is made with other flags.
  add_executable(rawkv_test_pch "${PROJECT_BINARY_DIR}/generated/nothing.cc")
  target_link_libraries(rawkv_test_pch PRIVATE rawkv_test_options)
  target_precompile_headers(rawkv_test_pch PRIVATE <gtest/gtest.h> <filesystem> <fstream> <map> <random> <set>
                                                   ${standard_headers})
endif()

# rawkv_test(wal_test SOURCES … USES wal … [LINKS …] [ARGS …] [LABELS …] [TIMEOUT s] [SANITIZED_SHARE n]):
# one GoogleTest program, one CTest test; under sanitizers one of n tests in it. The program leaves the result of each of its tests in
# gtest/<name>.xml, from which tools/run-tests counts. Labels: docs/testing.md.
function(rawkv_test name)
  cmake_parse_arguments(arg "" "TIMEOUT;SANITIZED_SHARE" "SOURCES;USES;LINKS;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  foreach(layer IN LISTS arg_USES)
    target_link_libraries(${name} PRIVATE rawkv_${layer})
  endforeach()
  target_link_libraries(${name} PRIVATE rawkv_test_options ${arg_LINKS} GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM rawkv_test_pch)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  if(RAWKV_SANITIZE)
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 3")
  endif()
  add_test(NAME ${name}
           COMMAND ${name} "--gtest_output=xml:${PROJECT_BINARY_DIR}/gtest/${name}.xml" ${arg_ARGS})
  # What may take longest starts first, lest it run alone at the end.
  set_tests_properties(${name} PROPERTIES
                       TIMEOUT ${arg_TIMEOUT} COST ${arg_TIMEOUT} LABELS "${arg_LABELS}")
  if(RAWKV_SANITIZE AND arg_SANITIZED_SHARE)
    set_tests_properties(${name} PROPERTIES
                         ENVIRONMENT "GTEST_TOTAL_SHARDS=${arg_SANITIZED_SHARE};GTEST_SHARD_INDEX=0")
  endif()
endfunction()
