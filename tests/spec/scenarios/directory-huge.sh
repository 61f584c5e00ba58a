# SPDX-License-Identifier: Apache-2.0
# title: in a directory of 100,000 names positions stay exact and nothing is lost or doubled while entries come and go
# plyfs-only: the kernel's list of an open merged directory is made once
# timeout: 120

layers() {
	mkdir -p l1/dir l2/dir
	(cd l1/dir && seq -f low%06.0f 60000 | xargs touch)
	(cd l2/dir && seq -f under%06.0f 50001 90000 | xargs touch)
}

scenario() {
	check_equal "names" 100002 "$("$SC" list dir 65536 | wc -l)"
	check_equal "no doubles" "" "$("$SC" list dir 65536 | uniq -d)"
	check_equal "tiny buffers" "$("$SC" list dir 65536 | md5sum)" "$("$SC" list dir 64 | md5sum)"
	try sc hugedir dir 100000
	check_equal "names after it" "" "$("$SC" list dir 32768 | uniq -d)"
	check "find -delete removes all" find dir -mindepth 1 -delete
	check_equal "nothing is left" "" "$(ls -A dir)"
	try rmdir dir
	try mkdir dir
	check_equal "and nothing comes back" "" "$(ls -A dir)"
}
