# SPDX-License-Identifier: Apache-2.0
# title: mount options of the kernel work: ro, nosuid, nodev, noexec, noatime, and sizes of requests
# labels: quick
# plyfs-only: how options reach the mount
# needs: fusermount3
# not-mounted: yes

layers() {
	put l1/x content
	cp /bin/true l1/program
	chmod 4755 l1/program
	mknod -m 666 l1/null c 1 3
}

scenario() {
	local b=$BASE all sizes

	all=lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work
	check "the mount" union "$b/merged" "$all,ro,nosuid,noatime"
	check_equal "read-only" "EROFS" "$("$SC" chmod "$b/merged/x" 600)"
	check "the flags show" grep -q " $b/merged ro,nosuid,.*noatime" /proc/self/mountinfo
	check "and unmounted" union_umount "$b/merged"
	check "the mount" union "$b/merged" "$all,nodev,noexec"
	check "no device" sh -c "! head -c 1 $b/merged/null"
	check "no program" sh -c "! $b/merged/program"
	check "and unmounted" union_umount "$b/merged"
	check "the mount" union "$b/merged" "$all"
	check "devices work by default for root" sh -c "echo x >$b/merged/null"
	check "programs too" "$b/merged/program"
	check "others may look" "$SC" as 9:9 cat "$b/merged/x"
	check "suid isn't off" sh -c "! grep ' $b/merged ' /proc/self/mountinfo | grep -q -E 'nosuid|nodev'"
	check "and unmounted" union_umount "$b/merged"
	check "with auto_unmount fusermount3 mounts" union "$b/merged" "$all,auto_unmount,noexec"
	check "the flags are the same" grep -q " $b/merged rw,noexec,rel" /proc/self/mountinfo
	check "and unmounted" union_umount "$b/merged"
	check "with auto_unmount again" union "$b/merged" "$all,auto_unmount"
	check "the daemon dies" kill -KILL "$(cat "$b/merged.pid")"
	check "and the mount goes" wait_until sh -c "! grep -q ' $b/merged ' /proc/self/mountinfo"
	check "it mounts" union "$b/merged" "$all,auto_unmount,nosuid"
	check "with flags that were asked for" grep -q " $b/merged rw,nosuid,rel" /proc/self/mountinfo
	check "and unmounted" union_umount "$b/merged"
	for sizes in max_read=4096 max_read=1 max_read=1048576,max_write=65536 max_write=1,max_readahead=1,max_background=1; do
		check "the mount with $sizes" union "$b/merged" "$all,$sizes"
		check "is live" grep -q content "$b/merged/x"
		check "and writes" sh -c "head -c 300000 /dev/zero >$b/merged/zero && [ \$(cat $b/merged/zero | wc -c) = 300000 ]"
		check "and unmounted" union_umount "$b/merged"
	done
}
