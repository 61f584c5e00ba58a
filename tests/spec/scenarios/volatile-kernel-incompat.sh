# SPDX-License-Identifier: Apache-2.0
# title: incompat/volatile of the kernel refuses the mount, and a daemon killed in a volatile mount leaves it
# labels: quick
# plyfs-only: plyfs over what the kernel left
# not-mounted: yes

layers() {
	put l1/file "content"
	mkdir -p up2 work2
}

scenario() {
	local b=$BASE kernel=lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work own=lowerdir=$BASE/l1,upperdir=$BASE/up2,workdir=$BASE/work2 pid

	check "mounted by the kernel" mount -t overlay o -o "$KERNEL_DEFAULTS,$kernel,volatile" "$b/merged"
	umount "$b/merged"
	check "incompat/volatile is there" test -e work/work/incompat/volatile
	refuse "plyfs" "volatile: $b/work: .+" "$kernel" "$b/merged"
	rm -r work/work/incompat
	check "without it" union "$b/merged" "$kernel"
	check "unmounted" union_umount "$b/merged"
	check "an unknown feature of another" mkdir -p work/work/incompat/something
	refuse "plyfs" "workdir: $b/work: unknown feature work/incompat/something" "$kernel" "$b/merged"
	rm -r work/work/incompat
	check "a volatile mount" union "$b/merged" "$own,volatile"
	pid=$(cat merged.pid)
	kill -KILL "$pid"
	wait_gone "$pid" 10
	umount "$b/merged"
	refuse "after a kill" "volatile: $b/work2: .+" "$own" "$b/merged"
}
