# SPDX-License-Identifier: Apache-2.0
# title: SELinux labels reach the kernel where SELinux is on, with their commas, and are dropped in silence where it is off
# labels: quick
# needs: strace
# plyfs-only: how options reach the mount
# not-mounted: yes

layers() {
	put l1/x content
}

# The kernel says by its list of file systems whether SELinux is on.
pretend() {
	grep -v selinuxfs /proc/filesystems >"$BASE/filesystems"
	[ "$1" = off ] || printf 'nodev\tselinuxfs\n' >>"$BASE/filesystems"
	mount --bind "$BASE/filesystems" /proc/filesystems
}

scenario() {
	local b=$BASE label='"system_u:object_r:container_file_t:s0:c1,c2"' labels name

	labels=context=$label,fscontext=a:b:c,defcontext=d:e:f,rootcontext=g:h:i
	pretend off
	check "without SELinux the mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,$labels"
	check_equal "nothing is said" "" "$(cat "$b/merged.log")"
	check_equal "content" content "$(cat "$b/merged/x")"
	check "and unmounted" union_umount "$b/merged"
	umount /proc/filesystems

	# A kernel without SELinux refuses them then, and one with it these labels.
	pretend on
	# LeakSanitizer doesn't work under strace.
	ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 strace -f -s 4096 -e trace=mount,fsconfig -o "$b/trace" "$PLYFS" -o "lowerdir=$b/l1,$labels" "$b/merged" 2>"$b/said" </dev/null
	! is_mounted "$b/merged" || umount "$b/merged"
	umount /proc/filesystems
	sed -i 's/\\"/"/g' "$b/trace"
	check "the label and its comma reach the kernel" grep -q -F -e "context=$label" -e "\"context\", \"$label" -e "\"context\", $label" "$b/trace"
	for name in fscontext=a:b:c defcontext=d:e:f rootcontext=g:h:i; do
		check "$name too" grep -q -F -e "$name" -e "\"${name%=*}\", \"${name#*=}\"" "$b/trace"
	done
	rm -f "$b/trace" "$b/said" "$b/filesystems"
}
