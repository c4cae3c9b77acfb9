# Target `lint` runs clang-tidy over our own sources. Target `format` rewrites the sources with clang-format; the test
# source_format checks the layout. Both need clang 14 of Debian 12, because other versions format differently.

find_program(RAWKV_CLANG_FORMAT NAMES clang-format-14 clang-format)
find_program(RAWKV_CLANG_TIDY NAMES clang-tidy-14 clang-tidy)

if(RAWKV_CLANG_FORMAT)
  file(GLOB_RECURSE formatted_files CONFIGURE_DEPENDS
       base/*.cc base/*.h blockdev/*.cc blockdev/*.h wal/*.cc wal/*.h snapshot/*.cc snapshot/*.h
       engine/*.cc engine/*.h tools/*.cc tools/*.h tests/*.cc tests/*.h)
  add_custom_target(format COMMENT "clang-format, rewriting" VERBATIM
    COMMAND "${RAWKV_CLANG_FORMAT}" -i ${formatted_files})
endif()

# `lint` needs the compile commands of a clang build (preset `lint`) and the headers that the layers generate. It skips
# the generated sources.
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
