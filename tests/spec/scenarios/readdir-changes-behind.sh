# SPDX-License-Identifier: Apache-2.0
# title: with timeout=0 a stream keeps its place while a layer is changed by somebody else, and while a shown upper is
# labels: quick
# plyfs-only: an option of plyfs's own
# not-mounted: yes

layers() {
	mkdir -p moving/dir shown l9
	(cd moving && mkdir -p dir && cd dir && seq -f n%.0f 0 2 399 | xargs touch)
	mkdir -p l1/dir upper/dir
	(cd l1/dir && seq -f n%.0f 1 2 399 | xargs touch)
}

scenario() {
	local b=$BASE

	check "mounted" union "$b/merged" "lowerdir=$b/moving:$b/l9,timeout=0"
	check_equal "a layer that changes" "all streams right" "$(sc streams merged/dir moving/dir 1 1500)"
	check "unmounted" union_umount "$b/merged"
	check "mounted" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check "shown" union "$b/shown" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,ro"
	check_equal "a shown upper that changes" "all streams right" "$(sc streams shown/dir merged/dir 2 1500)"
	check "unmounted" union_umount "$b/shown"
	check "unmounted" union_umount "$b/merged"
}
