# Every library that the product may use; all are Debian 12 packages.
#
# With DAVY_STATIC_LIBRARIES each of them comes out of its archive, so that the binary
# runs where Debian's shared libraries are not; only glibc stays shared (docs/packages.md).
if(DAVY_STATIC_LIBRARIES)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(Boost_USE_STATIC_LIBS ON)
endif()
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
set(DAVY_FMT fmt::fmt)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # Debian ships no archive of fmt. Both release presets compile it in, so that what one
  # has compiled the other finds in the compiler cache.
  set(DAVY_FMT fmt::fmt-header-only)
endif()
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(OpenSSL 3.0 REQUIRED)
find_package(yaml-cpp REQUIRED)
if(NOT TARGET yaml-cpp::yaml-cpp)  # 0.7 has the plain name only
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
if(DAVY_STATIC_LIBRARIES)  # its targets name the shared library alone
  find_library(DAVY_YAML_ARCHIVE yaml-cpp REQUIRED)
  set_target_properties(yaml-cpp PROPERTIES IMPORTED_LOCATION_NONE ${DAVY_YAML_ARCHIVE})
endif()
find_package(SQLite3 REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n data)
if(DAVY_STATIC_LIBRARIES)  # an archive does not say what it needs in turn
  set_property(TARGET ICU::uc APPEND PROPERTY INTERFACE_LINK_LIBRARIES ICU::data ${CMAKE_DL_LIBS})
  set_property(TARGET SQLite::SQLite3 APPEND PROPERTY INTERFACE_LINK_LIBRARIES m ${CMAKE_DL_LIBS})
endif()
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(VECTORSCAN REQUIRED IMPORTED_TARGET libhs)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
set(Python3_FIND_STRATEGY LOCATION)
set(Python3_EXECUTABLE /usr/bin/python3 CACHE FILEPATH "Debian's Python: build tools and tests")
find_package(Python3 REQUIRED COMPONENTS Interpreter)

# Asio is compiled once, in src/mechanisms/net/asio.cc.
add_library(davy_asio_headers INTERFACE)
target_compile_definitions(davy_asio_headers INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_NO_TS_EXECUTORS
  # Coroutine frames that a thread keeps for the next; an exchange that waits holds about six.
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=64)
target_link_libraries(davy_asio_headers INTERFACE Boost::headers Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 inlines one half of the pair of operators that Asio gives its coroutine frames.
  target_compile_options(davy_asio_headers INTERFACE -Wno-mismatched-new-delete)
endif()

if(DAVY_TESTS)
  find_package(GTest REQUIRED)
endif()
if(DAVY_BENCH)
  find_package(benchmark REQUIRED)
endif()
