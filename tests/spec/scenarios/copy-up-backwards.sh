# SPDX-License-Identifier: Apache-2.0
# title: a lower file whose data goes backwards fails to be copied up, and keeps no thread busy for ever
# labels: quick
# plyfs-only: about the copy-up of plyfs
# not-mounted: yes

layers() {
	mkdir -p poor
	fill l1/file 4M
}

scenario() {
	local b=$BASE

	"$POOR" "$b/l1" "$b/poor" backwards
	check "mounted" union "$b/merged" "lowerdir=$b/poor,upperdir=$b/upper,workdir=$b/work"
	check "the change ends" eval '! timeout -k 1 20 sh -c "echo more >>merged/file" 2>said'
	check "by EIO" grep -q "I/O error\|Input/output error" said
	check_equal "the file reads as before" "$(cksum <l1/file)" "$(cksum <merged/file)"
	check "unmounted" union_umount "$b/merged"
	umount poor
}
