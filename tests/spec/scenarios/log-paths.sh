# SPDX-License-Identifier: Apache-2.0
# title: what the log says of a layer's fault, a failed copy-up or a failed write-back names the mountpoint, the file and the error
# labels: quick
# plyfs-only: the daemon's log
# needs: strace setfattr
# not-mounted: yes

layers() {
	mkdir -p l1/dir/sub/redirected l2/dir/sub owned/dir/sub
	setfattr -n trusted.overlay.redirect -v /../elsewhere l1/dir/sub/redirected
	metacopy l1/dir/sub/metacopy 5
	put owned/dir/sub/malformed x
	fill l1/dir/sub/big 4M
	put l1/dir/file x
	mkdir small
}

# told CLAIM PATTERN: the log says this
told() {
	check "$1" wait_until grep -q -x -E "[^ ]* (warning|error): $BASE/merged: $2" log
	grep -q -x -E "[^ ]* (warning|error): $BASE/merged: $2" log || sed 's/^/      log: /' log
}

scenario() {
	local b=$BASE

	mount -t tmpfs -o size=2M tmpfs small
	mkdir small/upper small/work
	check "mounted" union "$b/merged" "lowerdir=$b/l1:$b/l2,upperdir=$b/small/upper,workdir=$b/small/work,log=$b/log,index=off"
	ls merged/dir/sub/redirected merged/dir/sub/metacopy merged/dir/sub/missing >/dev/null 2>&1
	told "a redirect that isn't valid" "dir/sub/redirected: layer $b/l1: a redirect isn't valid"
	told "a file without data" "dir/sub/metacopy: a metacopy file is refused: metacopy isn't followed"
	"$SC" fd open:merged/dir/sub/big:rw pwrite:0:x close >/dev/null
	told "a copy-up" "dir/sub/big: copy-up failed: No space left on device"
	echo new >merged/dir/written
	trace_daemon "$(cat merged.pid)" -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO
	sync merged/dir/written 2>/dev/null
	trace_end
	told "a write-back" "dir/written: write-back failed: Input/output error; every fsync of this file will fail"
	check "unmounted" union_umount "$b/merged"
	umount small

	setfattr -n user.containers.override_stat -v 0:0:755 owned
	setfattr -n user.containers.override_stat -v nonsense owned/dir/sub/malformed
	check "with owners in attributes: mounted" union "$b/merged" \
		"lowerdir=$b/owned,upperdir=$b/upper,workdir=$b/work,log=$b/log,xattr_permissions=2"
	stat merged/dir/sub/malformed >/dev/null 2>&1
	told "an owner that isn't valid" "layer $b/owned: (/.*)?/dir/sub/malformed: user.containers.override_stat is malformed"
	check "unmounted" union_umount "$b/merged"
}
