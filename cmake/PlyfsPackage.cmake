# SPDX-License-Identifier: Apache-2.0
# cpack -G DEB, from a release build on Debian or Ubuntu: one package that takes the place of the distribution's fuse-overlayfs too.
# Both own /usr/bin/fuse-overlayfs, so they can't be installed together, and what needs that package (podman, buildah) is content with
# this one: the version is the one that plyfs says it has under that name.
set(PLYFS_MAINTAINER "plyfs maintainers <maintainers@plyfs.example>" CACHE STRING
    "Who answers for packages that are built here: NAME <ADDRESS>")

set(CPACK_PACKAGE_NAME plyfs)
set(CPACK_PACKAGE_VENDOR plyfs)
set(CPACK_PACKAGE_CONTACT ${PLYFS_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "union file system daemon with overlayfs's semantics and formats")
set(CPACK_PACKAGE_DESCRIPTION
    "plyfs shows read-only directories, the layers, and one writable directory
above them as one tree. It behaves as the kernel's overlayfs does and writes
the same formats on disk, but needs no root: a user namespace or fusermount3 is
enough. It can be mounted by mount(8), from fstab and by systemd.
.
It takes the place of fuse-overlayfs, under whose name container tools like
podman and buildah find it.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# fusermount3 mounts for whom the kernel doesn't let, mount.fuse3 for the type fuse3.fuse-overlayfs.
set(CPACK_DEBIAN_PACKAGE_DEPENDS fuse3)
set(CPACK_DEBIAN_PACKAGE_PROVIDES "fuse-overlayfs (= 1.16)")
set(CPACK_DEBIAN_PACKAGE_CONFLICTS fuse-overlayfs)
set(CPACK_DEBIAN_PACKAGE_REPLACES fuse-overlayfs)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/data/debian/stage.cmake)
set(CPACK_GENERATOR DEB)
include(CPack)
