# SPDX-License-Identifier: Apache-2.0
# title: fsync=strict syncs what is copied up without its data too, and auto leaves that to the file system
# labels: quick
# plyfs-only: the daemon's system calls are watched
# needs: strace
# not-mounted: yes

layers() {
	local dir

	for dir in dir1 dir2 dir3 dir4; do
		put l1/$dir/file x
	done
	mkdir up wk
}

# synced COUNT COMMAND...: so many syncs while the command runs
synced() {
	local count=$1

	shift
	trace_daemon "$(cat "$BASE/merged.pid")" -e trace=fsync,fdatasync
	"$@"
	trace_end
	check_equal "$mode: ${*##*merged/}" "$count" "$(grep -c -E 'sync\([0-9]+\) += 0|resumed>.* = 0' "$BASE/trace")"
}

scenario() {
	local mode b=$BASE

	for mode in auto strict; do
		union "$b/merged" "lowerdir=$b/l1,upperdir=$b/up,workdir=$b/wk,fsync=$mode" || return
		[ $mode = auto ] && synced 2 chmod 600 "$b/merged/dir1/file"
		[ $mode = auto ] || synced 2 chmod 600 "$b/merged/dir2/file"
		union_umount "$b/merged" || echo "FAIL: unmount"
		union "$b/merged" "lowerdir=$b/l1,upperdir=$b/up,workdir=$b/wk,fsync=$mode,metacopy=on,redirect_dir=on" || return
		[ $mode = auto ] && synced 0 chmod 600 "$b/merged/dir3/file"
		[ $mode = auto ] || synced 2 chmod 600 "$b/merged/dir4/file"
		union_umount "$b/merged" || echo "FAIL: unmount"
	done
	union "$b/merged" "lowerdir=$b/l1,upperdir=$b/up,workdir=$b/wk,fsync=volatile" || return
	check "fsync=volatile leaves incompat/volatile" test -e wk/work/incompat/volatile
	union_umount "$b/merged" || echo "FAIL: unmount"
}
