# One set of flags for every target of ours. Warnings are errors.
add_library(davy_flags INTERFACE)
target_compile_options(davy_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror
  -fno-omit-frame-pointer -fstack-protector-strong)
target_include_directories(davy_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)

set(CMAKE_CXX_FLAGS_DEV "-O1 -g1" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG" CACHE STRING "" FORCE)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(davy_flags INTERFACE -D_FORTIFY_SOURCE=2
    # No path of the machine that built it, so that two machines make the same bytes.
    -ffile-prefix-map=${CMAKE_BINARY_DIR}=build -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
  target_link_options(davy_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
if(DAVY_STATIC_LIBRARIES)
  target_link_options(davy_flags INTERFACE -static-libstdc++ -static-libgcc)
endif()

if(DAVY_SANITIZE)
  target_compile_options(davy_flags INTERFACE -fsanitize=${DAVY_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(davy_flags INTERFACE -fsanitize=${DAVY_SANITIZE})
  if(DAVY_SANITIZE MATCHES "thread")
    # GCC's fences are unknown to ThreadSanitizer; Asio has an alternative.
    target_compile_definitions(davy_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
    target_compile_options(davy_flags INTERFACE -Wno-error=tsan)
  endif()
endif()
if(DAVY_LIBFUZZER)
  target_compile_options(davy_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(LLD ld.lld-14)
if(LLD)
  target_link_options(davy_flags INTERFACE -fuse-ld=lld)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # g++ looks for `ld.lld` in its -B folders.
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/linker)
    file(CREATE_LINK ${LLD} ${CMAKE_BINARY_DIR}/linker/ld.lld SYMBOLIC)
    target_link_options(davy_flags INTERFACE -B${CMAKE_BINARY_DIR}/linker)
  endif()
endif()
