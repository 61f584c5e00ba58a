# SPDX-License-Identifier: Apache-2.0
# title: in a user namespace owners, modes and nodes that can't be set there are kept in attributes
# labels: quick
# plyfs-only: options of its own
# needs: getfattr setfattr
# not-mounted: yes

layers() {
	setfattr -n user.containers.override_stat -v 0:0:0755:dir l1
	put l1/a a
	setfattr -n user.containers.override_stat -v 0:0:4711:file l1/a
	put l1/locked x
	setfattr -n user.containers.override_stat -v 0:0:0:file l1/locked
	chown -R 100000:100000 l1 upper
}

# inside COMMAND...: as root of a user namespace with the ids 0 to 999, which are 100000 and up outside.
inside() {
	local ns rc=0

	unshare -U sleep 60 &
	ns=$!
	until [ "$(readlink /proc/$ns/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
	echo 0 100000 1000 >/proc/$ns/uid_map
	echo 0 100000 1000 >/proc/$ns/gid_map
	nsenter -t $ns -U -S 0 -G 0 unshare -m "$@" || rc=$?
	kill $ns
	wait $ns 2>/dev/null
	return $rc
}

scenario() {
	fuse_for_all dev
	chown -R 100000:100000 work merged
	chown 100000:100000 .
	cp "$PLYFS" plyfs
	cat >inside.sh <<'END'
./plyfs -o "lowerdir=l1,upperdir=upper,workdir=work,xattr_permissions=2,pidfile=$PWD/pid" merged || exit
cd merged
stat -c '%n %F %a %u:%g' . a locked
echo more >>a; chmod 2700 a; chown 5:6 a; chown 7:8 locked
mkfifo -m 640 fifo; mkdir d; chown 9:9 d; chmod 1777 d; touch d/f; chmod 0 d/f; echo in >d/f; cat d/f
setfattr -n security.foo -v bar d/f && "$SC" xattr get d/f security.foo
setpriv --reuid 5 --regid 6 --clear-groups sh -c 'id -u; touch d/mine; cat a >/dev/null && echo reads; cat locked 2>/dev/null || echo kept out'
stat -c '%n %F %a %u:%g' a locked fifo d d/*
cd ..
umount merged
while kill -0 "$(cat pid 2>/dev/null)" 2>/dev/null; do sleep 0.05; done
END
	SC=$SC inside bash inside.sh >out 2>&1 || echo "FAIL: status $?"
	check_equal "what is seen there" "$(
		cat <<'END'
. directory 755 0:0
a regular file 4711 0:0
locked regular file 0 0:0
in
"bar"
5
reads
kept out
a regular file 2700 5:6
locked regular file 0 7:8
fifo fifo 640 0:0
d directory 1777 9:9
d/f regular file 0 0:0
d/mine regular empty file 644 5:6
END
	)" "$(cat out)"
	check_equal "all is the daemon's on disk, and of one mode" "755 100000:100000" "$(cd upper && find . -mindepth 1 ! -type c -printf '%m %U:%G\n' | sort -u)"
	umount dev 2>/dev/null
	rm -rf inside.sh out plyfs dev
	chown 0:0 .
}
