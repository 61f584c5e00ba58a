# SPDX-License-Identifier: Apache-2.0
# title: with auto_unmount the mount of a killed daemon goes, also when its directories and files were used
# labels: quick
# plyfs-only: the daemon's life
# needs: fusermount3
# not-mounted: yes

layers() {
	put l1/d/x content
}

gone() { ! grep -q " $BASE/merged " /proc/self/mountinfo; }

scenario() {
	local b=$BASE n

	for n in 1 2 3 4 5 6 7 8; do
		check "$n: the mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,auto_unmount"
		check_equal "$n: is used" "d content d" "$(echo $(ls merged; cat merged/d/x; ls merged))"
		check "$n: the daemon dies" kill -KILL "$(cat merged.pid)"
		check "$n: and the mount goes" wait_until gone
		gone || umount -l merged
	done
}
