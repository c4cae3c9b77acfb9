# The public library: the layers in one shared object, with the public headers, a CMake package and a
# pkg-config file. Included by the top-level CMakeLists.txt when the engine is part of the build.
#
# A consumer writes `#include <rawkv/rawkv.h>` (everything), or for example `#include <rawkv/engine/engine.h>`. Only
# <prefix>/include is on the path, so that no folder of ours hides one of the consumer.
#
# There are three install components, from which cmake/rawkv_packages.cmake makes Debian packages: `library`, `dev`
# (headers, CMake package, pkg-config file) and `tools` (programs, completions, manual).

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The headers that an embedding program may include, and the headers that those need. tests/packaging compiles each of
# them from an installed copy.
set(public_headers
    bindings/c/rawkv_c.h
    base/bytes.h base/check.h base/clock.h base/entropy.h base/export.h base/fs.h base/keep_tier.h base/limits.h base/logger.h base/mutex.h
    base/result.h base/status.h base/types.h base/uuid.h
    blockdev/aligned_buffer.h blockdev/block_device.h blockdev/open_block_device.h
    engine/admin/inspect.h engine/admin/repair.h engine/api/device.h engine/api/history.h engine/api/info.h
    engine/api/iterator.h engine/api/options.h engine/api/read_view.h engine/api/results.h engine/api/scrub.h
    engine/api/session.h engine/api/settings.h engine/api/version_range.h engine/api/write_batch.h
    engine/checkpoint/rebuild.h engine/control/running_store.h engine/engine.h engine/transfer/chunk_transfer.h
    engine/transfer/transfer.h engine/cache_table/eviction_policy.h
    engine/cache/object_cache.h engine/cache_api/cache_options.h engine/cache_api/cache_report.h
    engine/cache/running_cache.h)
# The shared library contains every object of each layer, because a static archive would add only the referenced objects.
# The link to the layers as libraries adds their own dependencies.
set(layers base blockdev wal snapshot index engine report c)
list(TRANSFORM layers PREPEND rawkv_)
add_library(rawkv SHARED)
add_library(rawkv::rawkv ALIAS rawkv)
rawkv_not_under_sanitizers(rawkv)
foreach(layer IN LISTS layers)
  target_sources(rawkv PRIVATE $<TARGET_OBJECTS:${layer}>)
endforeach()
target_link_libraries(rawkv PRIVATE ${layers})
set_target_properties(rawkv PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}
  LINKER_LANGUAGE CXX
  VERIFY_INTERFACE_HEADER_SETS OFF)
# The program provides a sanitizer's runtime, so only builds without sanitizers can require every symbol.
target_link_options(rawkv PRIVATE -Wl,--exclude-libs,ALL -Wl,--as-needed
                    $<$<NOT:$<BOOL:${RAWKV_SANITIZE}>>:-Wl,--no-undefined>)
target_compile_features(rawkv PUBLIC cxx_std_20)
configure_file("${PROJECT_SOURCE_DIR}/cmake/rawkv.h.in"
               "${PROJECT_BINARY_DIR}/generated/rawkv.h" COPYONLY)
target_include_directories(rawkv PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR};${PROJECT_BINARY_DIR}/generated>"
                           INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")

install(TARGETS rawkv EXPORT rawkv-targets
        LIBRARY COMPONENT library NAMELINK_COMPONENT dev)
foreach(header IN LISTS public_headers)
  get_filename_component(folder "${header}" DIRECTORY)
  install(FILES "${PROJECT_SOURCE_DIR}/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/rawkv/${folder}" COMPONENT dev)
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/generated/rawkv.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/rawkv" COMPONENT dev)
install(FILES "${PROJECT_BINARY_DIR}/generated/base/version_info.h"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/rawkv/base" COMPONENT dev)
configure_file("${PROJECT_SOURCE_DIR}/cmake/rawkv_relative_includes.cmake.in"
               "${PROJECT_BINARY_DIR}/generated/rawkv_relative_includes.cmake" @ONLY)
install(SCRIPT "${PROJECT_BINARY_DIR}/generated/rawkv_relative_includes.cmake" COMPONENT dev)
foreach(program IN ITEMS rawkv-ctl rawkv-torture rawkv-bench)
  if(TARGET ${program})
    install(TARGETS ${program} COMPONENT tools)
  endif()
endforeach()

# find_package(rawkv) gives rawkv::rawkv.
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/rawkv")
install(EXPORT rawkv-targets NAMESPACE rawkv:: DESTINATION "${package_dir}" COMPONENT dev)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/rawkv-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/generated/rawkv-config.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/rawkv-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/generated/rawkv-config.cmake"
              "${PROJECT_BINARY_DIR}/generated/rawkv-config-version.cmake"
        DESTINATION "${package_dir}" COMPONENT dev)

# The .pc file names the prefix relative to itself, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
set(RAWKV_PC_PREFIX "\${pcfiledir}/${pc_to_prefix}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/rawkv.pc.in" "${PROJECT_BINARY_DIR}/generated/rawkv.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/generated/rawkv.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        COMPONENT dev)
