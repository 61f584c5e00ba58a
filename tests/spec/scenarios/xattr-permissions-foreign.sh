# SPDX-License-Identifier: Apache-2.0
# title: owners, modes and types that others keep in attributes of lower layers show, and nobody makes such attributes through the mount
# labels: quick
# plyfs-only: options of its own
# needs: setfattr getfattr
# not-mounted: yes

STAT=user.containers.override_stat

# set_override PATH VALUE [NAME]
set_override() {
	setfattr -n "${3:-$STAT}" -v "$2" "$1"
}

layers() {
	local n

	mkdir -p l2 l3
	set_override l1 0:0:0755:dir
	for n in null disk pipe sock file old odd empty; do
		: >l1/$n
	done
	set_override l1/null 0:0:0666:char-1-3
	set_override l1/disk 5:6:0640:block-8-17
	set_override l1/pipe 7:7:0600:pipe
	set_override l1/sock 7:8:0711:socket
	echo data >l1/file
	set_override l1/file 31:32:4755:file
	set_override l1/old 9:9:100644
	set_override l1/odd 4294967294:-2:0
	mkdir -p l1/dir/sub
	set_override l1/dir 31:32:02750:dir
	chmod 711 l1/empty
	chown 3:4 l1/empty
	setfattr -n user.containers.override_security.capability -v 0x0100000200040000000000000000000000000000 l1/file
	setfattr -n user.containers.override_trusted.mine -v 1 l1/file
	setfattr -n user.plain -v 2 l1/file
	setfattr -n trusted.raw -v 3 l1/file
	for n in "0:0" "x:0:755" "0:0:9" "0:0:755:" "0:0:755:dir" "0:0:755:symlink" "0:0:666:char-0-0" "0:0:666:char-1" "0:0:666:char-1-3x" \
		"0:0:666:char-99999-3" "4294967295:0:755" "0:0:755:file " "0:0:7777777777:file" \
		"0:0:755:file:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; do
		: >"l1/dir/bad $n"
		set_override "l1/dir/bad $n" "$n"
	done
	# layers of other kinds
	set_override l2 0:0:0755 user.fuseoverlayfs.override_stat
	: >l2/two
	set_override l2/two 11:12:0601:char-1-5 user.fuseoverlayfs.override_stat
	set_override l2/two 1:1:0777
	: >l3/three
	chmod 604 l3/three
	set_override l3/three 1:1:0777
	chmod 777 upper
}

owners() {
	stat -c '%n %F %a %u:%g %t:%T' "$@"
}

SHOWN="null character special file 666 0:0 1:3
disk block special file 640 5:6 8:11
pipe fifo 600 7:7 0:0
sock socket 711 7:8 0:0
file regular file 4755 31:32 0:0
old regular empty file 644 9:9 0:0
odd regular empty file 0 4294967294:4294967294 0:0
dir directory 2750 31:32 0:0
empty regular empty file 711 3:4 0:0
two character special file 601 11:12 1:5"

# looks LABEL: what the layers are said to hold, in the mount
looks() {
	local f

	check_equal "$1: owners, modes and types" "$SHOWN" "$(cd merged && owners null disk pipe sock file old odd dir empty two)"
	check_equal "$1: a layer that says nothing of the kind is as it is" "604 0:0" "$(stat -c '%a %u:%g' merged/three)"
	check_equal "$1: types in a listing" "b disk c null c two d dir f empty f file f odd f old f three p pipe s sock" \
		"$(echo $(find merged -mindepth 1 -maxdepth 1 -printf '%y %f\n' | LC_ALL=C sort))"
	check_equal "$1: names" "security.capability trusted.mine user.plain" "$(sc xattr list merged/file)"
	check_equal "$1: values" '"1" "2" ENODATA' "$(echo $(for f in trusted.mine user.plain trusted.raw; do sc xattr get merged/file $f; done))"
	check_equal "$1: the attribute can't be read" "ENODATA ENODATA" "$(echo $(sc xattr get merged/file $STAT) $(sc xattr get merged/file user.containers.override_trusted.mine))"
	check_equal "$1: nor listed" none "$(sc xattr list merged/null)"
	for f in l1/dir/bad*; do
		check "$1: ${f#l1/dir/} is an error, not an answer" sh -c "! stat 'merged/${f#l1/}' 2>/dev/null"
	done
	check_equal "$1: malformed ones hide no others" 15 "$(ls -f merged/dir | grep -c -e bad -e sub)"
}

scenario() {
	local b=$BASE all f

	all=lowerdir=$b/l1:$b/l2:$b/l3
	union "$b/merged" "$all,xattr_permissions=2" || echo "FAIL: mount"
	looks "read-only"
	union_umount merged
	union "$b/merged" "$all,userxattr"
	looks "where user.* is trusted"
	union_umount merged
	union "$b/merged" "$all"
	check_equal "not asked for, root doesn't believe it" "regular empty file 644 0:0" "$(stat -c '%F %a %u:%g' merged/null)"
	check_equal "and it is an attribute like others" '"0:0:0666:char-1-3"' "$(sc xattr get merged/null $STAT)"
	union_umount merged

	# Over an upper that is no such layer.
	union "$b/merged" "$all,upperdir=$b/upper,workdir=$b/work,userxattr"
	looks "with an upper"
	(cd merged && chmod 4711 file && chown 8:9 null && mv pipe pipe2 && chgrp 77 sock && touch two && chmod 755 dir)
	check_equal "what is copied up gets real owners and types" "$(cd merged && owners file null pipe2 sock two dir)" "$(cd upper && owners file null pipe2 sock two dir)"
	check_equal "and names" "trusted.mine user.plain" "$(sc xattr list upper/file | tr ' ' '\n' | grep -v -e overlay -e capability | tr '\n' ' ' | sed 's/ $//')"
	for f in $STAT user.containers.override_security.x user.fuseoverlayfs.override_stat; do
		check_equal "$f can't be set" EPERM "$(sc xattr set merged/empty $f 0:0:4755)"
	done
	check "nor does that copy anything up" [ ! -e upper/empty ]
	union_umount merged
	rm -rf upper work/*
	mkdir -m 777 upper

	# Over one that is.
	union "$b/merged" "$all,upperdir=$b/upper,workdir=$b/work,xattr_permissions=2"
	looks "with such an upper"
	check_equal "the upper's root is what a lower one is" "0:0:0755:dir" "$(getfattr --only-values -n $STAT upper)"
	(cd merged && chmod 4711 file && chown 8:9 null && mv pipe pipe2 && chgrp 77 sock && touch two && chmod 755 dir && mkdir d && echo 1 >f && ln -s x l)
	as 31:32 touch merged/dir/made >/dev/null
	check_equal "what the attribute says of copies" "31:32:4711:file 8:9:0666:char-1-3 7:7:0600:pipe 7:77:0711:socket 11:12:0601:char-1-5 31:32:2755:dir" \
		"$(cd upper && echo $(for f in file null pipe2 sock two dir; do getfattr --only-values -n $STAT $f; echo; done))"
	check_equal "and of what is new" "0:0:0755:dir 0:0:0644:file 31:32:0644:file" "$(cd upper && echo $(for f in d f dir/made; do getfattr --only-values -n $STAT $f; echo; done))"
	check_equal "encoded names stay so" "user.containers.override_security.capability user.containers.override_stat user.containers.override_trusted.mine user.plain" \
		"$(sc xattr list upper/file | tr ' ' '\n' | grep -v overlay | tr '\n' ' ' | sed 's/ $//')"
	check_equal "setuid doesn't come by the attribute" EPERM "$(sc xattr set merged/f $STAT 0:0:4755)"
	check_equal "nor by a name that would be decoded" EPERM "$(sc xattr set merged/f user.containers.override_stat 0:0:4755:file)"
	check_equal "there are no ACLs" EOPNOTSUPP "$(sc xattr get merged/f system.posix_acl_access)"
	union_umount merged
	union "$b/merged" "lowerdir=$b/upper:$b/l3,xattr_permissions=2"
	check_equal "the upper as a lower layer" "file regular file 4711 31:32 0:0" "$(cd merged && owners file)"
	union_umount merged
	# Without the option an upper that is such a layer stays one.
	union "$b/merged" "$all,upperdir=$b/upper,workdir=$b/work,userxattr"
	chmod 600 merged/file
	check_equal "an upper that says so is kept so" "31:32:0600:file 755" "$(getfattr --only-values -n $STAT upper/file) $(stat -c %a upper/file)"
	union_umount merged
}
