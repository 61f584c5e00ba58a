# SPDX-License-Identifier: Apache-2.0
# title: whiteouts share an inode until the file system takes no more links, and then the next one
# timeout: 180
# variants: no

layers() {
	mkdir -p l1/many
	(cd l1/many && seq -f 'f%g' 1 66000 | xargs touch)
}

scenario() {
	check "all can be removed" find many -type f -delete
	check_equal "none is left" "" "$(ls many)"
	check_equal "each is a whiteout" 66000 "$(find "$BASE/upper/many" -type c | wc -l)"
	check "with few inodes" [ "$(find "$BASE/upper/many" -printf '%i\n' | sort -u | wc -l)" -le 4 ]
	remount
	check_equal "none comes back" "" "$(ls many)"
}
