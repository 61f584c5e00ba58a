# SPDX-License-Identifier: Apache-2.0
# title: when layers are removed or renamed under a mount calls fail or go on, and neither hang nor end the daemon
# plyfs-only: the kernel's answers are other ones, and its documentation calls them undefined
# not-mounted: yes
# timeout: 120

layers() {
	local i
	for i in 1 2 3; do
		mkdir -p "gone$i" "u$i" "w$i"
		put "gone$i/dir/file" "content"
		put "gone$i/dir/other" "other"
		put "gone$i/top" "top"
		put "gone$i/sub/deep/x" "x"
	done
}

# everything that a process might do, each within a time
poke() {
	local call answers bad=

	for call in 'ls -lR .' 'cat dir/file' 'stat dir/other' 'dd if=/dev/zero of=dir/file bs=10 count=1 oflag=append conv=notrunc status=none' 'touch new' 'mkdir made' 'rm dir/other' 'rmdir sub/deep' 'mv top moved' \
		'ln top hard' 'chmod 600 top' 'touch dir' 'setfattr -n user.a -v 1 top' 'getfattr -d top' 'ln -s a soft' 'mkfifo fifo' 'truncate -s 0 top' \
		'df .' 'sync -f .' 'find . -delete' 'ls -A'; do
		(cd merged && timeout -k 1 10 sh -c "$call") >/dev/null 2>poked
		[ $? -lt 124 ] || bad="$bad; $call"
		grep -v -E 'Stale file handle|No such file|nonexistent|File exists|Directory not empty|not permitted|Not a directory|No data' poked | sed "s,^,$call: ," >>odd
	done
	check_equal "$1: nothing hangs" "" "$bad"
	check "$1: the daemon lives" pid_alive "$(cat merged.pid)"
}

look() {
	(cd merged && cat dir/file top && ls -lR . && stat dir/other) >/dev/null
}

scenario() {
	local b=$BASE warm

	: >odd
	for warm in yes no; do
		rm -rf gone1 u1 w1
		cp -a gone2 gone1
		mkdir u1 w1
		check "mounted" union "$b/merged" "lowerdir=$b/gone1,upperdir=$b/u1,workdir=$b/w1"
		[ $warm = no ] || look
		exec 7<merged/dir/file 8<merged/sub
		rm -rf u1 w1
		poke "upper and work removed, warm $warm"
		check "an open file reads on or fails" sh -c 'timeout 5 cat <&7; [ $? -lt 124 ]'
		exec 7<&- 8<&-
		check "unmounted" union_umount "$b/merged"
		mkdir u1 w1
		check "mounted" union "$b/merged" "lowerdir=$b/gone1,upperdir=$b/u1,workdir=$b/w1"
		(cd merged && echo more >>dir/file && mkdir made.before)
		[ $warm = no ] || look
		mv u1 u1.moved
		poke "upper renamed, warm $warm"
		check "unmounted" union_umount "$b/merged"
		rm -rf u1.moved w1
		mkdir u1 w1
		check "mounted" union "$b/merged" "lowerdir=$b/gone1,upperdir=$b/u1,workdir=$b/w1"
		[ $warm = no ] || look
		rm -rf gone1
		poke "lower removed, warm $warm"
		check "unmounted" union_umount "$b/merged"
		cp -a gone2 gone1
		rm -rf u1 w1
		mkdir u1 w1
		check "mounted" union "$b/merged" "lowerdir=$b/gone1,upperdir=$b/u1,workdir=$b/w1"
		[ $warm = no ] || look
		rm -rf gone1/dir w1/work
		echo file >gone1/dir
		rm gone1/top
		mkdir gone1/top
		poke "types of the lower exchanged, work emptied, warm $warm"
		check "unmounted" union_umount "$b/merged"
	done
	check_equal "no other error" "" "$(sort -u odd)"
}
