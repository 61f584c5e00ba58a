# SPDX-License-Identifier: Apache-2.0
# title: low_latency: where the machine's request can't be had a warning says so, and the mount goes on without
# labels: quick
# plyfs-only: about plyfs's daemon
# not-mounted: yes

DEVICE=/dev/cpu_dma_latency

layers() {
	put l1/file lower
	chown -R 65534:65534 l1
	mkdir -p m dev
}

# A /dev of this mount namespace's own, in which the device may be missing, and everybody may mount.
own_dev() {
	mount -t tmpfs -o mode=755 tmpfs dev && mknod -m 666 dev/null c 1 3 && mknod -m 666 dev/fuse c 10 229 && ln -s /proc/self/fd dev/fd &&
		mount --rbind dev /dev
}

# Requests enough to be dense.
ask() {
	local i

	for ((i = 0; i < 1000; i++)); do
		[ ! -e "m/no-$i" ] || return 1
	done
	[ "$(cat m/file)" = lower ] && echo new >m/file && [ "$(cat m/file)" = new ]
}

mounted() {
	mount_plyfs "$BASE/m" lowerdir=l1,upperdir=upper,workdir=work,low_latency 2>said
}

warning() {
	echo "plyfs: low_latency: $DEVICE: $1: mounted without"
}

# warned CLAIM CAUSE: plyfs mounts with that one warning, and serves.
warned() {
	check "$1: it mounts" mounted
	check_equal "$1: it warns" "$(warning "$2")" "$(cat said)"
	check "$1: no thread is there for it" eval '! grep -q -x plyfs-latency /proc/"$(cat m.pid)"/task/*/comm'
	check "$1: it serves" ask
	check "$1: it ends" union_umount "$BASE/m"
	rm -rf upper work
	mkdir upper work
}

# auto, which nobody asked for, says nothing.
silent() {
	check "$1, auto: it mounts" mount_plyfs "$BASE/m" lowerdir=l1,upperdir=upper,workdir=work 2>said
	check_equal "$1, auto: it warns of nothing" "" "$(cat said)"
	check "$1, auto: it ends" union_umount "$BASE/m"
}

# A user who is root in a namespace of his own alone.
as_user() {
	chown 65534:65534 . upper work m
	cp "$PLYFS" plyfs
	cat >inside.sh <<'END'
./plyfs -o "lowerdir=l1,upperdir=upper,workdir=work,low_latency,pidfile=$PWD/pid" m || exit
for ((i = 0; i < 1000; i++)); do [ ! -e "m/no-$i" ] || exit; done
cat m/file && echo new >m/file && cat m/file
umount m
while kill -0 "$(cat pid 2>/dev/null)" 2>/dev/null; do sleep 0.05; done
END
	check "a user without the right: it mounts and serves" eval \
		'setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urm bash inside.sh >out 2>err'
	check_equal "a user without the right: it serves" "lower new" "$(echo $(cat out))"
	check_equal "a user without the right: it warns" "$(warning "Permission denied")" "$(cat err)"
}

scenario() {
	own_dev || { echo "FAIL: no own /dev"; return; }
	warned "no device" "No such file or directory"
	silent "no device"
	mknod -m 666 dev/cpu_dma_latency c 1 3
	warned "/dev/null in its place" "No such device"
	rm dev/cpu_dma_latency
	echo "a file" >dev/cpu_dma_latency
	warned "a file in its place" "No such device"
	check_equal "a file in its place: it stays as it is" "a file" "$(cat dev/cpu_dma_latency)"
	rm dev/cpu_dma_latency
	mknod -m 600 dev/cpu_dma_latency c 10 259
	as_user
}
