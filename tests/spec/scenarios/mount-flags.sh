# SPDX-License-Identifier: Apache-2.0
# title: the flags of mount(8) are taken, and show in the mount table as with kernel overlayfs
# labels: quick
# plyfs-only: how options reach the mount
# not-mounted: yes

layers() {
	put l1/x content
	ln -s x l1/link
}

# The mount's own flags and the file system's: all that the table says but for the file system's own options.
flags_of() {
	awk -v point="$1" '$5 == point {
		for (i = 7; $i != "-"; i++);
		n = split($(i + 3), words, ","); split("rw ro sync dirsync lazytime", known, " "); shown = ""
		for (w = 1; w <= n; w++) for (k in known) if (words[w] == known[k]) shown = shown "," words[w]
		print $6, substr(shown, 2)
	}' /proc/self/mountinfo
}

# same FLAGS: what shows of them, on both.
same() {
	local b=$BASE

	check "$1: the kernel's mount" mount -t overlay overlay -o "lowerdir=$b/l1,upperdir=$b/k/upper,workdir=$b/k/work,$1" "$b/k/merged"
	check "$1: the mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,$1"
	check_equal "$1" "$(flags_of "$b/k/merged")" "$(flags_of "$b/merged")"
	umount "$b/k/merged"
	check "$1: unmounted" union_umount "$b/merged"
}

scenario() {
	local b=$BASE flags

	mkdir -p "$b/k/upper" "$b/k/work" "$b/k/merged"
	for flags in defaults sync async dirsync sync,dirsync atime noatime diratime nodiratime noatime,nodiratime relatime norelatime \
		strictatime nostrictatime strictatime,nodiratime noatime,strictatime strictatime,relatime lazytime nolazytime iversion noiversion \
		nomand silent loud rw ro suid nosuid dev nodev exec noexec nosymfollow symfollow nosymfollow,nodiratime,noatime,ro \
		auto,noauto,nofail,_netdev,x-systemd.automount,X-own=1; do
		same "$flags"
	done
	# What can't show, or would have another meaning for the kernel's mount.
	check "the mount" union "$b/merged" "lowerdir=$b/l1,mand,user=me,nouser,users,owner,group,comment=a remark,uhelper=udisks2,nfs_export=off"
	check "unmounted" union_umount "$b/merged"
	check "nosymfollow" union "$b/merged" "lowerdir=$b/l1,nosymfollow"
	check_equal "a file" content "$(cat "$b/merged/x")"
	check_equal "a link isn't followed" 1 "$("$SC" fd "open:$b/merged/link:r" 2>&1 | grep -c ELOOP)"
	check_equal "but can be read" x "$(readlink "$b/merged/link")"
	check "unmounted" union_umount "$b/merged"
}
