# SPDX-License-Identifier: Apache-2.0
# title: an upper that is removed below the mount gives errors that say so, no crash and no hang
# timeout: 60
# plyfs-only: what is undefined has no oracle
# not-mounted: yes

layers() {
	put l1/dir/file 1
	put l1/dir/other 1
	put l1/file 1
	put l1/read-only 1
	mkdir -p m u/dir w
	put u/dir/upper 1
	put u/own 1
}

# gone COMMAND...: fails at once with ESTALE; the kernel itself finds a removed file's name gone.
gone() {
	local rc=0 said

	said=$(cd m && timeout 10 "$@" 2>&1) || rc=$?
	if [ $rc -ne 0 ] && [ $rc -lt 124 ] && printf '%s\n' "$said" | grep -q -E "Stale file handle|cannot remove 'own': No such file"; then
		echo "ok: $*"
	else
		printf 'FAIL: %s: status %d: %s\n' "$*" $rc "$said"
	fi
}

scenario() {
	union "$BASE/m" "lowerdir=l1,upperdir=u,workdir=w" || { echo "FAIL: mount"; return; }
	ls -R m >/dev/null
	cat m/dir/upper m/own >/dev/null
	rm -rf u w
	gone dd if=/dev/null of=new
	gone mkdir new
	gone dd if=/dev/zero of=dir/file bs=1 count=1 conv=notrunc
	gone chmod 600 dir/other
	gone mv dir/file dir/moved
	gone rm dir/other
	gone rm own
	gone mknod node p
	gone ln -s x link
	gone ln file hard
	gone setfattr -n user.a -v 1 file
	check "a lower file can be read" sh -c '[ "$(cat m/read-only)" = 1 ]'
	limit 10 ls -R m
	check "the daemon is there" stat m
	check "it can be unmounted" union_umount "$BASE/m"
	# And one that is replaced by another during the mount.
	mkdir -p u w u-other
	union "$BASE/m" "lowerdir=l1,upperdir=u,workdir=w" || { echo "FAIL: mount"; return; }
	mv u u-old
	mv u-other u
	echo x >m/new
	check "the mount goes on with the upper that it opened" sh -c 'test -e u-old/new && test ! -e u/new'
	check "it can be unmounted" union_umount "$BASE/m"
}
