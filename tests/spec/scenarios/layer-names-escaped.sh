# SPDX-License-Identifier: Apache-2.0
# title: a backslash keeps a colon in a layer's name
# labels: quick
# not-mounted: yes

layers() {
	put 'a:b/file' "colon"
	put 'back\slash/other' "backslash"
	mkdir plain
}

scenario() {
	union "$BASE/merged" "lowerdir=$BASE/a\\:b:$BASE/back\\\\slash:$BASE/plain,upperdir=$BASE/upper,workdir=$BASE/work"
	try ls -A merged
	try cat merged/file merged/other
	union_umount "$BASE/merged"
}
