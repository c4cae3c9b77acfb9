# rawkv-torture: a library, so that tests/torture can take it apart and tests/powercut can use its workers
# and its judge, and the program. Included by CMakeLists.txt, which has found the packages.

rawkv_compiled_alone(torture_run.cc)
add_library(rawkv_torture STATIC
  torture_campaign.cc torture_history.cc torture_judge.cc torture_message.cc torture_options.cc
  torture_process.cc torture_report.cc torture_run.cc torture_script.cc torture_state.cc
  torture_worker.cc torture_worker_main.cc)
target_link_libraries(rawkv_torture PUBLIC rawkv_engine rawkv_compile_options
                      PRIVATE rawkv_tools fmt::fmt)

add_executable(rawkv-torture torture_main.cc)
target_link_libraries(rawkv-torture PRIVATE rawkv_torture rawkv_tools fmt::fmt)
