# SPDX-License-Identifier: Apache-2.0
# title: called as fuse-overlayfs it takes that program's options, ignores unknown ones and reads .wh. names
# labels: quick
# plyfs-only: the replaced program's habits
# not-mounted: yes

layers() {
	put l1/.wh.gone ""
	put l2/gone "hidden"
	put l1/dir/.wh..wh..opq ""
	put l2/dir/hidden "hidden"
	put l1/dir/shown "shown"
	put l2/low "low"
}

scenario() {
	local b=$BASE said rc=0

	ln -s "$PLYFS" "$b/fuse-overlayfs"
	said=$("$b/fuse-overlayfs" overlay "$b/merged" -o "lowerdir=$b/l1:$b/l2,workdir=$b/work,upperdir=$b/upper,dev,suid,nosuchoption" -o "pidfile=$b/merged.pid" 2>&1 </dev/null) || rc=$?
	mount_minor "$b/merged" >>"$MINORS"
	check_equal "status" 0 $rc
	check_equal "what it says" "unknown argument ignored: nosuchoption" "$said"
	check_equal "names" "dir dir/shown low " "$(cd "$b/merged" && find . -mindepth 1 -printf '%P\n' | sort | tr '\n' ' ')"
	check "a name is removed" rm "$b/merged/low"
	check_equal "names" "dir " "$(ls -A "$b/merged" | tr '\n' ' ')"
	check "and unmounted" union_umount "$b/merged"
	rm -f "$b/fuse-overlayfs"
}
