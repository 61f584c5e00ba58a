# SPDX-License-Identifier: Apache-2.0
# title: a descriptor that is mounted already is served as /dev/fd/N, and one that is no mount is refused
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/file lower
	mkdir control
	chmod 700 control
}

scenario() {
	local b=$BASE ready rc=0 pid what
	local options="lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,pidfile=$b/pid,control_socket=$b/control"

	exec {ready}<>/dev/fuse
	check "the mount exists before the daemon" mount -i -t fuse \
		-o "fd=$ready,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other" plyfs merged
	mount_minor "$b/merged" >>"$MINORS"
	timeout -k 1 15 "$PLYFS" -o "$options" "/dev/fd/$ready" || rc=$?
	check_equal "status" 0 $rc
	exec {ready}>&-
	pid=$(cat pid)
	check_equal "it reads" lower "$(timeout 5 cat merged/file)"
	check "it writes" timeout 5 sh -c 'echo more >>merged/file'
	if [ "$(grep -c fuse_connection "/proc/$pid/fdinfo"/* | grep -v ':0$')" ]; then
		check "it has a control socket" grep -q '"ok":true' <<<"$(control "$b/merged" '{"op":"status"}')"
	fi
	check "it unmounts" umount merged
	check "the daemon leaves" wait_gone "$pid" 10
	check_equal "in the upper" "lower more " "$(tr '\n' ' ' <upper/file)"

	timeout -k 1 15 "$PLYFS" -o "$options" /dev/fd/77 2>said && rc=0 || rc=$?
	check_equal "a descriptor that isn't open: status" 1 $rc
	check_equal "and lines" 1 "$(wc -l <said)"
	for what in /dev/null l1/file /dev/fuse; do
		timeout -k 1 15 "$PLYFS" -o "$options" /dev/fd/0 <>$what 2>said && rc=0 || rc=$?
		check_equal "$what is no mount: status" 1 $rc
		check_equal "and the line" "plyfs: mount: /dev/fd/0: not a mounted session of /dev/fuse" "$(cat said)"
	done
}
