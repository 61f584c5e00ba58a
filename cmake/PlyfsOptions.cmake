# SPDX-License-Identifier: Apache-2.0
# Build options and the compiler flags that every target shares.
option(PLYFS_WERROR "Treat warnings as errors" OFF)
option(PLYFS_FAULTS "Compile the fault points that the kill and fault tests use" OFF)
option(PLYFS_COVERAGE "Instrument for gcov" OFF)
option(PLYFS_STATIC "Link plyfs without any shared library" OFF)
set(PLYFS_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")
set(PLYFS_LIBFUSE_PREFIX "" CACHE PATH
    "Prefix of a libfuse3 to link statically in the place of the distribution's (tools/build-libfuse makes one)")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(Threads REQUIRED)

add_library(plyfs_flags INTERFACE)
target_compile_definitions(plyfs_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
  PLYFS_VERSION="${PROJECT_VERSION}"
  $<$<CONFIG:Debug>:PLYFS_DEBUG=1> $<$<BOOL:${PLYFS_FAULTS}>:PLYFS_FAULTS=1>)
target_compile_options(plyfs_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef
  -Wvla -Wwrite-strings -Wno-unused-parameter -fno-common -fno-strict-aliasing -fstack-protector-strong
  $<$<BOOL:${PLYFS_WERROR}>:-Werror>
  # Threads count the same lines at the same time.
  $<$<BOOL:${PLYFS_COVERAGE}>:--coverage> $<$<BOOL:${PLYFS_COVERAGE}>:-fprofile-update=atomic>)
target_link_options(plyfs_flags INTERFACE $<$<BOOL:${PLYFS_COVERAGE}>:--coverage> -Wl,-z,relro,-z,now)
if(PLYFS_STATIC)
  target_link_options(plyfs_flags INTERFACE -static)
endif()
if(PLYFS_SANITIZE)
  target_compile_options(plyfs_flags INTERFACE -fsanitize=${PLYFS_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(plyfs_flags INTERFACE -fsanitize=${PLYFS_SANITIZE})
endif()
target_link_libraries(plyfs_flags INTERFACE Threads::Threads)
