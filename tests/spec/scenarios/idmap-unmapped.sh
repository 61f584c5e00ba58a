# SPDX-License-Identifier: Apache-2.0
# title: an id outside the map shows as the overflow id, and is refused before anything is copied up for it
# labels: quick
# plyfs-only: options of its own
# needs: setfacl getfacl setfattr getfattr
# options: uidmapping=:0:1000:1:1:110000:65536,gidmapping=0:1000:1:1:110000:65536:

layers() {
	local i

	mkdir l1/dir
	for i in 0 1 65536 65537 4294967294; do
		put l1/dir/by-$i $i
		chown $i:$i l1/dir/by-$i
	done
	put l1/acl a
	setfacl -m u:1:r,u:70000:rw,g:65537:rw l1/acl
	# revision 3, cap_net_bind_service effective, of the namespaces with root 1, 70000
	put l1/cap1 1
	setfattr -n security.capability -v 0x0100000300040000000000000000000000000000$(printf '%08x' 1 | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/') l1/cap1
	put l1/cap70000 1
	setfattr -n security.capability -v 0x0100000300040000000000000000000000000000$(printf '%08x' 70000 | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/') l1/cap70000
	put l1/theirs/x x
	chown 1:1 l1/theirs/x
	chown 65537:4294967294 l1/theirs
	chmod 777 l1 l1/dir upper
}

owners() {
	echo $(stat -c '%u:%g' "$@")
}

root_of_cap() {
	getfattr -h -e hex -n security.capability "$1" 2>/dev/null | sed -n 's/^security.capability=0x.*\(........\)$/\1/p'
}

# nothing LABEL: the upper has got nothing so far
nothing() {
	check_equal "$1 leaves nothing in the upper" "" "$(cd "$BASE/upper" && find . -mindepth 1)"
	check_equal "$1 leaves nothing in the work directory" "" "$(cd "$BASE/work/work" && find . -mindepth 1)"
}

scenario() {
	local overflow

	overflow=$(cat /proc/sys/kernel/overflowuid):$(cat /proc/sys/kernel/overflowgid)
	check_equal "borders of the ranges" "1000:1000 110000:110000 175535:175535 $overflow $overflow" \
		"$(owners dir/by-0 dir/by-1 dir/by-65536 dir/by-65537 dir/by-4294967294)"
	check_equal "entries of an ACL" "user:65534:rw- user:110000:r-- group:65534:rw- " \
		"$(getfacl -cn acl 2>/dev/null | grep -E '^(user|group):[0-9]' | tr '\n' ' ')"
	check_equal "the root of a capability" b0ad0100 "$(root_of_cap cap1)"
	check_equal "a capability of a namespace that isn't here" "" "$(root_of_cap cap70000)"
	check_equal "nor its length" "" "$(getfattr -h -d -m security cap70000 2>/dev/null)"

	# Every way to store an id that there isn't.
	check_equal "chown to an unmapped user" EINVAL "$(sc chown dir/by-1 0 -1)"
	check_equal "chown to an unmapped group" EINVAL "$(sc chown dir/by-1 -1 999)"
	check_equal "chown of both, one unmapped" EINVAL "$(sc chown dir/by-1 1000 1001)"
	check_equal "chown just beyond a range" EINVAL "$(sc chown dir/by-1 175536 1000)"
	check_equal "chown to the overflow id" EINVAL "$(sc chown dir/by-1 65534 65534)"
	check_equal "chown to the largest id" EINVAL "$(sc chown dir/by-1 4294967294 1000)"
	nothing "a refused chown"
	check "setfacl of an unmapped user fails" sh -c '! setfacl -m u:5:r dir/by-1'
	check "setfacl of an unmapped group fails" sh -c '! setfacl -m g:176000:r dir/by-1'
	check "setfacl -d of an unmapped user fails" sh -c '! setfacl -d -m u:65534:r dir'
	check "a capability of an unmapped root is refused" sh -c '! setfattr -n security.capability -v 0x010000030004000000000000000000000000000005000000 dir/by-1'
	nothing "a refused attribute"
	for what in 5:1000 1000:5 0:5 5:0; do
		check_equal "a file of $what" EOVERFLOW "$(sc as $what "$SC" mknod dir/new reg 644)"
		check_equal "a fifo of $what" EOVERFLOW "$(sc as $what "$SC" mknod dir/new fifo 644)"
		check "touch by $what fails" sh -c "! $SC as $what touch dir/new"
		check "mkdir by $what fails" sh -c "! $SC as $what mkdir dir/new"
		check "ln -s by $what fails" sh -c "! $SC as $what ln -s x dir/new"
	done
	nothing "a refused creation"

	# And what does go.
	check "root outside makes a symlink, as podman does before it gives it away" ln -s x dir/link
	check_equal "which belongs to the layers' root" "1000:1000 0:0" "$(owners dir/link) $(stat -c %u:%g "$BASE/upper/dir/link")"
	check_equal "chown to ids that there are" ok "$(sc chown dir/by-65537 1000 110000)"
	check_equal "in the mount" "1000:110000" "$(owners dir/by-65537)"
	check_equal "also in the upper" "0:1" "$(stat -c %u:%g "$BASE/upper/dir/by-65537")"
	check "a file in a directory of an unmapped owner is written" sh -c 'echo more >>theirs/x'
	check_equal "the directory is copied up with the owner that the layer has" "65537:4294967294" "$(stat -c %u:%g "$BASE/upper/theirs")"
	check "an ACL for mapped ids" setfacl -m u:175535:rwx dir/by-1
	check_equal "is stored in the layers' ids" "user:65536:rwx" "$(getfacl -cn "$BASE/upper/dir/by-1" 2>/dev/null | grep '^user:[0-9]')"
	check "a capability for a mapped root" setfattr -n security.capability -v 0x0100000300040000000000000000000000000000b1ad0100 dir/by-0
	check_equal "is stored in the layers' ids" 02000000 "$(root_of_cap "$BASE/upper/dir/by-0")"
	check_equal "and comes back" b1ad0100 "$(root_of_cap dir/by-0)"
	check_equal "the root of the container makes a directory" "" "$(sc as 1000:1000 mkdir dir/made && echo ok >dir/by-1)"
	check_equal "that is its own" "1000:1000" "$(owners dir/made)"
	check_equal "and the layers' root's" "0:0" "$(stat -c %u:%g "$BASE/upper/dir/made")"
	remount
	check_equal "after a remount" "1000:1000 110000:110000 1000:110000 $overflow" "$(owners dir/made dir/by-1 dir/by-65537 theirs)"
}
