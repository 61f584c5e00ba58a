# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Other machines for tests with real programs: minimal roots of a distribution, each the root of a mount namespace of its own. It is
# sourced, after lib.bash.

# machine_unpack SUITE TARBALL: below $FS. A root that commands have changed is not clean any more: each run unpacks it anew. What is
# downloaded into it is kept in the cache.
machine_unpack() {
	mkdir -p "$FS/$1"
	tar -C "$FS/$1" --xattrs --xattrs-include='*' --numeric-owner -xpf "$2"
	mkdir -p "$CACHE/archives-$1/partial"
	mount --bind "$CACHE/archives-$1" "$FS/$1/var/cache/apt/archives"
	mount -t tmpfs -o mode=1777 tmpfs "$FS/$1/tmp"
}

# in_machine ROOT COMMAND...: with ROOT as the root of a mount namespace of its own. A chroot is not enough: the kernel lets
# nobody make a user namespace from inside one.
in_machine() {
	unshare -m --propagation private sh -ec '
		root=$1
		shift
		mount --rbind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		cd "$root"
		pivot_root . mnt
		umount -l mnt
		cd /root
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"
	' sh "$@" </dev/null
}
