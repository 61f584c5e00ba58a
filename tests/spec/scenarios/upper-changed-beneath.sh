# SPDX-License-Identifier: Apache-2.0
# title: when a name is removed from the upper beneath the mount its removal fails, and lower layers show what they have
# labels: quick
# expect-diff: ^observations:.(rm|rmdir): the kernel looks a stale name up again, and what it finds then is another thing

layers() {
	mkdir l1/was-dir
	put l1/was-file x
}

scenario() {
	rmdir was-dir
	touch was-dir
	rm "$BASE/upper/was-dir"
	try rm was-dir
	rm was-file
	mkdir was-file
	rmdir "$BASE/upper/was-file"
	try rmdir was-file
	touch new
	rm "$BASE/upper/new"
	try rm new
	mkdir new-dir
	rmdir "$BASE/upper/new-dir"
	try rmdir new-dir
	remount
	stat_of '%n %F' was-dir was-file
	ls -A
}
