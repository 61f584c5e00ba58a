# SPDX-License-Identifier: Apache-2.0
# title: the machine's root can be a layer though the mountpoint lies in it
# not-mounted: yes

scenario() {
	union "$BASE/merged" "lowerdir=/,upperdir=$BASE/upper,workdir=$BASE/work"
	cd merged
	limit 20 ls -A . etc usr/bin
	limit 20 cat etc/passwd
	try cmp /etc/passwd etc/passwd
	limit 20 sh -c 'echo new >etc/plyfs-spec-new; rm etc/passwd; mkdir opt/plyfs-spec-dir'
	check "the root is untouched" sh -c 'test -e /etc/passwd && ! test -e /etc/plyfs-spec-new && ! test -e /opt/plyfs-spec-dir'
	limit 20 ls -A ".$BASE"
	try ls -A ".$BASE"
	limit 20 ls -A proc sys dev
	try ls -A proc sys
	try chroot . /bin/sh -c 'echo in the chroot; cat /etc/plyfs-spec-new; test -e /etc/passwd || echo gone'
	cd ..
	try sh -c "find upper -mindepth 1 -printf '%P %y\\n' | sort"
	union_umount "$BASE/merged"
}
