# davy_module: one folder of src/ as a library with its tests.
#
#   davy_module(
#     SOURCES a.cc b.cc                what the library is made of (may be empty)
#     USES    base core/... fmt::fmt   modules by their path below src/, or imported targets
#     TESTS   a_test.cc                unit tests, one executable for the folder
#     CONCURRENT_TESTS b_test.cc       the same, labelled `concurrent`: they run under TSan too
#     FUZZ    a_fuzz.cc                one executable each; a short smoke run is a test
#     BENCH   a_bench.cc               one executable each, with -DDAVY_BENCH=ON
#     TEST_USES GTest::gmock …)        what only the tests use
#
# The module's name is its path below src/. Headers need no list: they are found
# through the include root src/.
set_property(GLOBAL PROPERTY DAVY_REGISTERED "")

function(davy_target_name path out)
  string(REPLACE "/" "_" name ${path})
  set(${out} davy_${name} PARENT_SCOPE)
endfunction()

function(davy_resolve_uses out)
  set(targets "")
  foreach(use IN LISTS ARGN)
    if(use STREQUAL "fmt::fmt")
      list(APPEND targets ${DAVY_FMT})
    elseif(use MATCHES "::" OR use MATCHES "^davy_" OR TARGET ${use})
      list(APPEND targets ${use})
    else()
      davy_target_name(${use} name)
      list(APPEND targets ${name})
    endif()
  endforeach()
  set(${out} ${targets} PARENT_SCOPE)
endfunction()

function(davy_module)
  cmake_parse_arguments(PARSE_ARGV 0 M "" ""
    "SOURCES;USES;TESTS;CONCURRENT_TESTS;FUZZ;BENCH;TEST_USES")
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "davy_module: unknown: ${M_UNPARSED_ARGUMENTS}")
  endif()
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  davy_target_name(${path} target)
  davy_resolve_uses(uses ${M_USES})
  davy_resolve_uses(test_uses ${M_TEST_USES})

  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES})
    target_link_libraries(${target} PUBLIC davy_flags ${uses})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE davy_flags ${uses})
  endif()

  foreach(file IN LISTS M_TESTS M_CONCURRENT_TESTS M_FUZZ M_BENCH)
    set_property(GLOBAL APPEND PROPERTY DAVY_REGISTERED ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()

  if(DAVY_TESTS)
    davy_test_executable(${target}_test "${M_TESTS}" "${target};${test_uses}" "")
    davy_test_executable(${target}_concurrent_test "${M_CONCURRENT_TESTS}" "${target};${test_uses}" "concurrent")
    foreach(file IN LISTS M_FUZZ)
      davy_fuzzer(${file} "${target};${test_uses}" ${path})
    endforeach()
  endif()
  if(DAVY_BENCH)
    foreach(file IN LISTS M_BENCH)
      get_filename_component(stem ${file} NAME_WE)
      add_executable(${target}_${stem} ${file})
      target_link_libraries(${target}_${stem} PRIVATE ${target} ${test_uses} benchmark::benchmark_main)
    endforeach()
  endif()
endfunction()

function(davy_test_executable name files uses label)
  if(NOT files)
    return()
  endif()
  add_executable(${name} ${files})
  target_link_libraries(${name} PRIVATE ${uses} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  if(label)
    set_tests_properties(${name} PROPERTIES LABELS ${label})
  endif()
endfunction()

# A fuzzer defines LLVMFuzzerTestOneInput. Without libFuzzer it is linked with
# tools/fuzz_smoke.cc, which runs the corpus in fuzz/<stem>/ and seeded mutations of it.
function(davy_fuzzer file uses path)
  get_filename_component(stem ${file} NAME_WE)
  davy_target_name(${path} target)
  set(name ${target}_${stem})
  set(corpus ${CMAKE_SOURCE_DIR}/fuzz/${path}/${stem})
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE ${uses})
  if(DAVY_LIBFUZZER)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    # libFuzzer writes what it finds into the first folder; the corpus stays as it is.
    set(found ${CMAKE_BINARY_DIR}/fuzz/${name})
    file(MAKE_DIRECTORY ${found})
    add_test(NAME ${name} COMMAND ${name} -runs=2000 -max_total_time=20 ${found} ${corpus})
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tools/fuzz_smoke.cc)
    add_test(NAME ${name} COMMAND ${name} ${corpus})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

# Fails the configuration when a test, fuzzer or benchmark below src/ is in no list:
# a test that is not built is a test that cannot fail.
function(davy_check_all_registered)
  get_property(registered GLOBAL PROPERTY DAVY_REGISTERED)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/src/*_test.cc ${CMAKE_SOURCE_DIR}/src/*_fuzz.cc ${CMAKE_SOURCE_DIR}/src/*_bench.cc)
  set(missing "")
  foreach(file IN LISTS found)
    if(NOT file IN_LIST registered)
      list(APPEND missing ${file})
    endif()
  endforeach()
  if(missing)
    list(JOIN missing "\n  " text)
    message(FATAL_ERROR "Not registered in the CMakeLists.txt beside it:\n  ${text}")
  endif()
endfunction()
