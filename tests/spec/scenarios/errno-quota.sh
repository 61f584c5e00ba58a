# SPDX-License-Identifier: Apache-2.0
# title: an upper over its quota answers EDQUOT, to a write, a copy-up and a new name, and removing makes room
# needs: mkfs.btrfs btrfs
# not-mounted: yes
# size: 1G

layers() {
	mkdir quota
	truncate -s 300M quota.img
	mkfs.btrfs -q quota.img
	fill l1/file 3000000
}

scenario() {
	local b=$BASE

	mount -o loop quota.img quota
	btrfs subvolume create quota/sub >/dev/null
	btrfs quota enable quota
	btrfs quota rescan -w quota >/dev/null
	btrfs qgroup limit 4M quota/sub
	mkdir quota/sub/upper quota/sub/work
	union "$b/merged" "lowerdir=$b/l1,upperdir=$b/quota/sub/upper,workdir=$b/quota/sub/work"
	cd merged
	try dd if=/dev/zero of=new bs=64k count=32 status=none
	echo "more: $(dd if=/dev/zero of=more bs=64k count=64 status=none conv=fsync 2>&1 | sed 's/.*: //')"
	rm -f more
	sync -f new
	sync
	echo "copy-up: $(sh -c 'tee -a file <new' 2>&1 >/dev/null | sed 's/.*: //' | head -1)"
	check "the file is whole" cmp -n 3000000 file "$b/l1/file"
	try rm new
	sync
	try sc fd open:file:rw pwrite:0:x fsync
	cd ..
	union_umount "$b/merged"
	umount quota
	rm quota.img
}
