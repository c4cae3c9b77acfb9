# rawkv-quickstart, which tools/quickstart builds and runs: a library, so that tests/quickstart can take it
# apart, and the program. Included by CMakeLists.txt, which has found the packages.

add_library(rawkv_quickstart STATIC
  quickstart_blob_id.cc quickstart_compare.cc quickstart_git.cc quickstart_git_history.cc
  quickstart_git_parse.cc quickstart_history.cc quickstart_options.cc quickstart_process.cc
  quickstart_progress.cc quickstart_replay.cc quickstart_report.cc quickstart_story.cc
  quickstart_survival.cc quickstart_tree_history.cc quickstart_value_arena.cc quickstart_work_dir.cc
  quickstart_worker.cc)
target_link_libraries(rawkv_quickstart PUBLIC rawkv_engine rawkv_compile_options
                      PRIVATE rawkv_tools OpenSSL::Crypto fmt::fmt)

add_executable(rawkv-quickstart quickstart_main.cc)
target_link_libraries(rawkv-quickstart PRIVATE rawkv_quickstart rawkv_tools fmt::fmt)
