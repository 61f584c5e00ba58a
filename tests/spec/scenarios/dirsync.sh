# SPDX-License-Identifier: Apache-2.0
# title: with dirsync the upper's directory has been synced when a change of its names is answered
# labels: quick
# plyfs-only: the kernel shows the flag and syncs nothing
# needs: strace
# options: dirsync

layers() {
	put upper/dir/x 1
	put upper/other/y 1
	put l1/low 1
	mkdir other upper2 work2
}

# synced COUNT COMMAND...: that many syncs of directories by the daemon until the command has ended
synced() {
	local count=$1
	shift

	trace_daemon "$(cat "$point.pid")" -e trace=fsync,fdatasync
	"$@"
	trace_end
	check_equal "${*##*"$BASE"}" "$count" "$(grep -c -E 'sync\([0-9]+\) += 0|resumed>.* = 0' "$BASE/trace")"
}

scenario() {
	local point=$BASE/merged

	synced 1 mkdir dir/new
	synced 1 sh -c ': >dir/file'
	synced 1 mkfifo dir/fifo
	synced 1 ln -s x dir/link
	synced 1 ln dir/x dir/hard
	synced 1 mv dir/x dir/z
	synced 2 mv dir/z other/z
	synced 2 "$SC" rename dir/file other/y exchange
	synced 1 rm dir/hard
	synced 1 rmdir dir/new
	synced 1 rm low
	# neither names nor their directory
	synced 0 chmod 600 other/z
	synced 0 ls -l dir other
	synced 0 mkdir dir
	check "a volatile mount" union "$BASE/other" "lowerdir=$BASE/l1,upperdir=$BASE/upper2,workdir=$BASE/work2,dirsync,volatile"
	point=$BASE/other
	synced 0 mkdir "$BASE/other/new"
	check "and unmounted" union_umount "$BASE/other"
	rm "$BASE/trace"
}
