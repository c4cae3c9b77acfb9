# Targets `lint` (clang-tidy over our own sources) and `format` (clang-format, rewriting; the test
# source_format checks). Debian 12's clang 14 is the version that counts: another one formats differently.

find_program(RAWKV_CLANG_FORMAT NAMES clang-format-14 clang-format)
find_program(RAWKV_CLANG_TIDY NAMES clang-tidy-14 clang-tidy)

if(RAWKV_CLANG_FORMAT)
  file(GLOB_RECURSE formatted_files CONFIGURE_DEPENDS
       base/*.cc base/*.h blockdev/*.cc blockdev/*.h wal/*.cc wal/*.h snapshot/*.cc snapshot/*.h
       engine/*.cc engine/*.h tools/*.cc tools/*.h tests/*.cc tests/*.h)
  add_custom_target(format COMMENT "clang-format, rewriting" VERBATIM
    COMMAND "${RAWKV_CLANG_FORMAT}" -i ${formatted_files})
endif()

# Needs the compile commands of a clang build, which the preset `lint` makes, and the headers that its
# layers generate; the generated sources themselves are left out.
if(RAWKV_CLANG_TIDY AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_custom_target(lint COMMENT "clang-tidy over our own sources" VERBATIM USES_TERMINAL
    COMMAND "${PROJECT_SOURCE_DIR}/cmake/run_clang_tidy" "${RAWKV_CLANG_TIDY}"
            "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
  foreach(layer IN LISTS RAWKV_LAYERS)
    if(TARGET rawkv_${layer})
      add_dependencies(lint rawkv_${layer})
    endif()
  endforeach()
endif()
