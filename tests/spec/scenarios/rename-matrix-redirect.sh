# SPDX-License-Identifier: Apache-2.0
# title: rename, with each flag, of each kind of entry onto each other kind, and what is left, as the kernel does it where it makes redirects
# timeout: 120
# expect-diff: :.plain/[a-z]+-udir\| where the upper refuses the rename, the kernel has touched the directory already
# expect-diff: upper:.plain/[a-z]+-udir/a\| likewise it has marked what was to be moved
# options: redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=off,xino=off

. "${SCENARIO%/*}/rename-matrix.sh"
