# SPDX-License-Identifier: Apache-2.0
# title: on an upper without attributes, device nodes and special renames .wh. names mark what was removed, and the mount says so
# labels: quick
# needs: setfattr
# plyfs-only: the kernel mounts such an upper read-only
# not-mounted: yes

layers() {
	mkdir -p m disk nfs
	put l1/dir/f 1
	put l1/dir/sub/g 1
	put l1/file 1
	put l1/other 1
	put l1/moved 1
	put l1/target 1
	put l1/tree/a/b 1
	put l1/tree/c 1
	put l1/emptied/x 1
	put l1/below/x 1
	put l1/replaced/x 1
	put l1/swapped 1
	put l1/$(printf '%0255d' 0) 1
	ln -s file l1/link
	sc mknod l1/fifo fifo 640
	chown 5:6 l1/file
	# Anybody who owns a directory can claim that.
	put l2/claims 1
	setfattr -n user.containers.override_stat -v 0:0:0755:dir l2
	setfattr -n user.containers.override_stat -v 0:0:4755:file l2/claims
}

names() {
	find "$1" -mindepth 1 ! -name '0*' -printf '%P\n' | sort | tr '\n' ' '
}

over() {
	union "$BASE/m" "lowerdir=$BASE/l1:$BASE/l2,upperdir=nfs/u,workdir=nfs/w$1" || echo "FAIL: mount"
}

scenario() {
	local all long

	"$POOR" disk nfs || echo "FAIL: poor"
	mkdir nfs/u nfs/w
	check "the option to have none refuses the upper" sh -c '! "$PLYFS" -o lowerdir=l1,upperdir=nfs/u,workdir=nfs/w,whiteouts=overlay m 2>/dev/null'
	over ""
	check "the mount says so" grep -q 'nfs/u: .*\.wh\.' m.log
	cd m
	long=$(printf '%0255d' 0)
	check_equal "owners" 5:6 "$(stat -c %u:%g file)"
	check_equal "an attribute that nobody asked for isn't believed" 644 "$(stat -c %a claims)"
	check "rm of a file of the lowest layer" rm claims
	check "append" sh -c 'echo 2 >>file'
	check_equal "content" "1 2" "$(echo $(cat file))"
	check "chmod of a fifo" chmod 600 fifo
	check "chown of a symlink" chown -h 7:8 link
	check_equal "owners" "5:6 0:0 7:8" "$(echo $(stat -c %u:%g file fifo link))"
	check "rm of a lower file" rm other
	check "rm of a file that was copied up" rm file
	check "its name again" sh -c 'echo new >file'
	check "mv of a lower file" mv moved away
	check "mv over a removed name" mv away other
	check "mv over a lower file" mv other target
	check "rm -r of a lower directory" rm -r dir
	check "and one in its place" mkdir dir
	check "with something in it" sh -c 'echo own >dir/own; mkdir dir/sub'
	check_equal "shows nothing from below" "dir/own dir/sub " "$(names . | tr ' ' '\n' | grep ^dir/ | tr '\n' ' ')"
	check "mv of it" mv dir dir2
	check "back over its old name" mv dir2 dir
	check "mkdir" mkdir -p fresh/er
	check "emptied" rm emptied/x
	check "mv of a directory over one that holds only whiteouts" mv -T fresh emptied
	check_equal "there" "er" "$(ls -A emptied)"
	check "rm and mkdir of a merged one" sh -c 'touch tree/new && rm -r tree && mkdir tree'
	check "mv of a pure one to where a lower one was" sh -c 'rm -r replaced && mkdir pure && touch pure/p && mv pure replaced'
	check_equal "there" "p" "$(ls -A replaced)"
	check "mv of a merged directory copies" mv below below2
	check "rm of swapped" rm swapped
	check "a link to its name" ln target swapped
	check_equal "links" 2 "$(stat -c %h target)"
	check "a name that is too long to be marked" sh -c "! rm $long"
	check "stays" test -e $long
	check_equal "a name that would be a whiteout" EPERM "$(sc mknod .wh.target reg 644)"
	all=$(names .)
	check_equal "what shows" "below2 below2/x dir dir/own dir/sub emptied emptied/er fifo file link replaced replaced/p swapped target tree " "$all"
	cd ..
	union_umount m || echo "FAIL: unmount"
	check_equal "no temp file is left" "" "$(find nfs/w/work -mindepth 1)"
	check_equal "what is marked" ".wh.below .wh.claims .wh.dir .wh.emptied .wh.file .wh.moved .wh.other .wh.replaced .wh.swapped .wh.tree" \
		"$(cd nfs/u && echo $(find . -name '.wh.*' ! -path '*opq' -printf '%P\n' | sort))"
	over ""
	check_equal "what shows after a remount" "$all" "$(names m)"
	check_equal "content" "new 1" "$(echo $(cat m/file m/target))"
	check "all is removed" sh -c "find m -mindepth 1 ! -name $long -delete"
	union_umount m
	over ",whiteouts=both"
	check_equal "and stays so" "" "$(names m)"
	union_umount m
	# In a user namespace of one's own, where xattrs would be in user.*.
	rm -rf nfs/u nfs/w
	mkdir nfs/u nfs/w
	unshare -Urm bash -c '
		"$PLYFS" -o "lowerdir=l1,upperdir=nfs/u,workdir=nfs/w,pidfile=$PWD/pid" m && pid=$(cat pid)
		rm m/other && echo 2 >>m/moved && mv m/moved m/away && rm -r m/dir && mkdir m/dir && touch m/dir/own
		find m/dir m/away m/moved m/other 2>/dev/null
		umount m
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done' >ns.out 2>ns.err
	check "it says so there too" grep -q 'nfs/u: .*\.wh\.' ns.err
	check_equal "in a user namespace" "m/away m/dir m/dir/own" "$(echo $(sort ns.out))"
	check_equal "what is marked there" ".wh.dir .wh.moved .wh.other" "$(cd nfs/u && echo $(find . -name '.wh.*' -printf '%P\n' | sort))"
	rm -f ns.out ns.err pid
	# As a layer it is read with the dialect.
	union "$BASE/m" "lowerdir=$BASE/disk/u:$BASE/l1,whiteouts=both"
	check_equal "the same as a lower layer" "away dir dir/own" "$(echo $(names m | tr ' ' '\n' | grep -E '^(other|moved|away|dir)'))"
	union_umount m
	umount nfs
}
