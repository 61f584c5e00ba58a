# SPDX-License-Identifier: Apache-2.0
# title: no handle is given that can't be opened any more once the kernel has forgotten the file, only such as tell files apart
# labels: quick

layers() {
	put l1/low 1
	put l1/dir/x 1
	put upper/up 1
}

scenario() {
	case $(uname -r) in
	[1-5].* | 6.[0-8].*) unsupported "FUSE can refuse file handles since Linux 6.9" ;;
	esac
	for i in . low dir dir/x up; do
		try sc handle $i
		try sc handle $i fid
	done
	# What looks for them by itself goes on without.
	mkdir "$BASE/upper2" "$BASE/work2" "$BASE/top"
	try mount -t overlay top -o "lowerdir=$BASE/merged,upperdir=$BASE/upper2,workdir=$BASE/work2,index=on" "$BASE/top"
	try sc chmod "$BASE/top/low" 600
	umount "$BASE/top" || echo "FAIL: unmount"
	echo 2 >/proc/sys/vm/drop_caches
	try mount -t overlay top -o "lowerdir=$BASE/merged,upperdir=$BASE/upper2,workdir=$BASE/work2,index=on" "$BASE/top"
	try stat -c '%n %a %h' "$BASE/top/low"
	umount "$BASE/top" || echo "FAIL: unmount"
}
