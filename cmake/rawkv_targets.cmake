# One function per kind of target, so that the CMakeLists.txt of every folder is a plain list of names.

option(RAWKV_WARNINGS_AS_ERRORS "Make every compiler warning an error (preset lint)" OFF)

add_library(rawkv_compile_options INTERFACE)
target_compile_options(rawkv_compile_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wno-sign-conversion -Werror=return-type -Werror=unused-result
                       # Designated initialisers leave the other fields at their defaults on purpose. The other two
                       # warnings are false alarms of GCC 12 about std::optional and std::string at -O2.
                       -Wno-missing-field-initializers
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict>
                       $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
                       $<$<BOOL:${RAWKV_WARNINGS_AS_ERRORS}>:-Werror>)
target_include_directories(rawkv_compile_options INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>"
                           "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>")
configure_file("${PROJECT_SOURCE_DIR}/base/version_info.h.in"
               "${PROJECT_BINARY_DIR}/generated/base/version_info.h" @ONLY)

# The standard headers that most files include, precompiled once per build. Preset lint does not use them, so that it
# reports a missing #include.
set(standard_headers <algorithm> <array> <atomic> <cstdint> <cstring> <functional> <memory> <optional> <span>
                     <string> <string_view> <thread> <utility> <vector>)
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/nothing.cc" CONTENT "int main() {}\n")
add_library(rawkv_pch OBJECT "${PROJECT_BINARY_DIR}/generated/nothing.cc")
target_link_libraries(rawkv_pch PRIVATE rawkv_compile_options)
target_precompile_headers(rawkv_pch PRIVATE ${standard_headers})

# tools/run-tests compiles eight files of a target as one, to save time. This excludes files that use the same name in an
# anonymous namespace as another file.
function(rawkv_compiled_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# Programs of tests that a sanitizer stage does not run. It does not build them, unless it is asked for one by name.
function(rawkv_not_under_sanitizers)
  if(RAWKV_SANITIZE)
    set_target_properties(${ARGN} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
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
  # The headers next to the sources form a file set. The target all_verify_interface_header_sets (preset lint) compiles
  # each of them alone.
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
  # Everything that the tests without the label `long` need (tools/run-tests --quick).
  add_custom_target(rawkv_quick)
  # The files of tests are compiled without optimization, but for release, and without
  # UndefinedBehaviorSanitizer: the engine is to be checked, and a GoogleTest file would take half as long again
  # to compile, under sanitizers two to three times as long.
  add_library(rawkv_test_options INTERFACE)
  target_link_libraries(rawkv_test_options INTERFACE rawkv_compile_options GTest::gtest)
  # GoogleTest's own macros raise this warning, because a precompiled header does not count as a system header.
  target_compile_options(rawkv_test_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-dangling-else>)
  target_compile_options(rawkv_test_options INTERFACE $<$<CONFIG:RelWithDebInfo>:-O0>
                         $<$<BOOL:${RAWKV_SANITIZE}>:-fno-sanitize=undefined>)
  # Dozens of programs are linked, and gold (package binutils) takes a third of the time of the usual linker.
  find_program(RAWKV_GOLD ld.gold)
  if(RAWKV_GOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_link_options(rawkv_test_options INTERFACE -fuse-ld=gold)
  endif()
  # This target is a program, because the precompiled header of a library is made with other flags.
  add_executable(rawkv_test_pch "${PROJECT_BINARY_DIR}/generated/nothing.cc")
  target_link_libraries(rawkv_test_pch PRIVATE rawkv_test_options)
  target_precompile_headers(rawkv_test_pch PRIVATE <gtest/gtest.h> <filesystem> <fstream> <map> <random> <set>
                                                   ${standard_headers})
endif()

# The environment of a test that neither cuts the power nor tests a disk: its files lie in memory, where syncs cost
# nothing.
set(RAWKV_FILES_IN_MEMORY)
if(EXISTS /dev/shm)
  set(RAWKV_FILES_IN_MEMORY TMPDIR=/dev/shm)
endif()

# rawkv_test(wal_test SOURCES … USES wal … [LINKS …] [ARGS …] [LABELS …] [TIMEOUT s] [PARTS n] [FILES_IN_MEMORY]):
# adds one GoogleTest program as one CTest test or, if it takes long, as n tests, each of which runs a part of it. Each
# writes the results to gtest/<name>.xml, from which tools/run-tests counts. docs/testing.md lists the labels.
function(rawkv_test name)
  cmake_parse_arguments(arg "FILES_IN_MEMORY" "TIMEOUT;PARTS" "SOURCES;USES;LINKS;LABELS;ARGS" ${ARGN})
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
  if(NOT arg_PARTS)
    set(arg_PARTS 1)
  endif()
  foreach(part RANGE 1 ${arg_PARTS})
    set(test ${name})
    set(environment)
    if(arg_PARTS GREATER 1)
      set(test ${name}_${part})
      math(EXPR index "${part} - 1")
      set(environment GTEST_TOTAL_SHARDS=${arg_PARTS} GTEST_SHARD_INDEX=${index})
    endif()
    if(arg_FILES_IN_MEMORY)
      list(APPEND environment ${RAWKV_FILES_IN_MEMORY})
    endif()
    add_test(NAME ${test}
             COMMAND ${name} "--gtest_output=xml:${PROJECT_BINARY_DIR}/gtest/${test}.xml" ${arg_ARGS})
    # CTest starts the tests with the longest time-out first, so that they do not run alone at the end.
    set_tests_properties(${test} PROPERTIES TIMEOUT ${arg_TIMEOUT} COST ${arg_TIMEOUT} LABELS "${arg_LABELS}"
                         ENVIRONMENT "${environment}")
  endforeach()
  if("slow-under-sanitizers" IN_LIST arg_LABELS
     OR ("thread" IN_LIST RAWKV_SANITIZE AND "one-thread" IN_LIST arg_LABELS))
    rawkv_not_under_sanitizers(${name})
  endif()
  if(NOT "long" IN_LIST arg_LABELS)
    add_dependencies(rawkv_quick ${name})
  endif()
endfunction()
