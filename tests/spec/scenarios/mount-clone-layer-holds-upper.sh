# SPDX-License-Identifier: Apache-2.0
# title: an upper inside a lower is accepted, and looking at it through the union gives ELOOP
# labels: quick
# not-mounted: yes

layers() {
	mkdir -p outer/upper outer/work outer/mnt
	put outer/file "content"
	put outer/dir/x 1
}

scenario() {
	union "$BASE/merged" "lowerdir=$BASE/outer,upperdir=$BASE/outer/upper,workdir=$BASE/outer/work"
	try cat merged/file
	limit 10 ls -A merged merged/mnt merged/dir
	try ls -A merged
	try stat -c %F merged/upper
	try stat -c %F merged/work
	union_umount "$BASE/merged"
	rm -rf outer/work/*
}
