# SPDX-License-Identifier: Apache-2.0
# title: work and upper on different file systems are refused
# labels: quick
# plyfs-only: the form of plyfs's own messages
# not-mounted: yes

layers() {
	put l1/x 1
	mkdir elsewhere same
}

scenario() {
	mount -t tmpfs elsewhere "$BASE/elsewhere"
	mkdir "$BASE/elsewhere/work"
	refuse "another file system" "(workdir|upperdir): $BASE/elsewhere/work: .+" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/elsewhere/work" "$BASE/merged"
	umount "$BASE/elsewhere"
}
