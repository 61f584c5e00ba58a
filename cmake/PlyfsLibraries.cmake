# SPDX-License-Identifier: Apache-2.0
# The three required libraries: libfuse3 (low-level API), xxHash, uthash.
find_package(PkgConfig REQUIRED)
find_path(UTHASH_INCLUDE_DIR uthash.h REQUIRED)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)

add_library(plyfs_libfuse INTERFACE)
if(PLYFS_LIBFUSE_PREFIX)
  find_file(PLYFS_FUSE3_PC fuse3.pc REQUIRED NO_DEFAULT_PATH NO_CACHE
            PATHS ${PLYFS_LIBFUSE_PREFIX} PATH_SUFFIXES lib/pkgconfig lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig
            usr/lib/pkgconfig usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig)
  # The library was configured for prefix=/usr (so that it finds fusermount3) and installed below DESTDIR.
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${PLYFS_LIBFUSE_PREFIX})
  get_filename_component(pc_dir ${PLYFS_FUSE3_PC} DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  pkg_check_modules(FUSE3 REQUIRED fuse3>=3.18)
  unset(ENV{PKG_CONFIG_SYSROOT_DIR})
  unset(ENV{PKG_CONFIG_PATH})
  find_library(FUSE3_STATIC libfuse3.a REQUIRED NO_DEFAULT_PATH NO_CACHE PATHS ${FUSE3_STATIC_LIBRARY_DIRS})
  target_include_directories(plyfs_libfuse SYSTEM INTERFACE ${FUSE3_INCLUDE_DIRS})
  set(fuse3_private ${FUSE3_STATIC_LIBRARIES})
  list(REMOVE_ITEM fuse3_private fuse3)
  target_link_libraries(plyfs_libfuse INTERFACE ${FUSE3_STATIC} ${fuse3_private})
else()
  pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3>=3.14)
  target_link_libraries(plyfs_libfuse INTERFACE PkgConfig::FUSE3)
endif()
