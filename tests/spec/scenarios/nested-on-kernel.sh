# SPDX-License-Identifier: Apache-2.0
# title: a union over the kernel's overlayfs, with its lower there, and its upper there where that is possible
# plyfs-only: the kernel refuses an upper on an overlay
# not-mounted: yes

layers() {
	put l1/dir/low "low"
	put l1/dir/gone "gone"
	put l1/file "content"
	mkdir -p ku kw k l2 top
	put l2/replaced/x "x"
}

scenario() {
	local b=$BASE

	mount_kernel "$b/k" "$KERNEL_DEFAULTS,lowerdir=$b/l1:$b/l2,upperdir=$b/ku,workdir=$b/kw"
	mkdir k/sub k/up k/work
	put k/sub/inner "inner"
	rm k/dir/gone
	check "over the whole of it" union "$b/merged" "lowerdir=$b/k,upperdir=$b/upper,workdir=$b/work"
	check_equal "names" "dir dir/low file replaced replaced/x sub sub/inner up work" "$(cd merged && echo $(find . -mindepth 1 | sed 's,^./,,' | sort))"
	check "changes" sh -c 'cd merged && echo more >>file && rm -r replaced && mkdir replaced && rm dir/low && chmod 700 sub'
	check_equal "content" "content more" "$(echo $(cat merged/file))"
	check_equal "the kernel's side has what it had" "content low x" "$(echo $(cat k/file k/dir/low k/replaced/x))"
	check "kernel overlayfs on top of that" mount -t overlay o -o "lowerdir=$b/merged:$b/l2" "$b/top"
	check_equal "which shows it" "content more" "$(echo $(cat top/file))"
	umount top
	check "unmounted" union_umount "$b/merged"
	check "over a directory in it" union "$b/merged" "lowerdir=$b/k/sub:$b/k/dir"
	check_equal "its names" "inner low" "$(echo $(ls merged))"
	check "unmounted" union_umount "$b/merged"
	# the kernel makes no whiteouts on an overlay for anybody, and hides its own attributes there, or escapes them: work or one clear line
	if union "$b/merged" "lowerdir=$b/l2,upperdir=$b/k/up,workdir=$b/k/work" 2>refused; then
		echo "ok: an upper on it is taken or refused by one line"
		check "changes" sh -c 'cd merged && echo new >new && rm -r replaced && mkdir replaced && echo y >replaced/y'
		check "unmounted" union_umount "$b/merged"
		check "mounted again" union "$b/merged" "lowerdir=$b/l2,upperdir=$b/k/up,workdir=$b/k/work"
		check_equal "what was written is there" "new replaced replaced/y" "$(cd merged && echo $(find . -mindepth 1 | sed 's,^./,,' | sort))"
		check "unmounted" union_umount "$b/merged"
	else
		check "an upper on it is taken or refused by one line" sh -c '[ $(wc -l <refused) = 1 ] && grep "^plyfs: upperdir: " refused'
	fi
	umount k
}
