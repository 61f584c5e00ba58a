# SPDX-License-Identifier: Apache-2.0
# title: large reads that hang in a layer take few descriptors, however many there are, and all get their bytes
# labels: quick
# not-mounted: yes
# plyfs-only: about plyfs's daemon; the layer that hangs is a plyfs that is stopped
# timeout: 120

READS="1 2 3 4 5 6 7 8 9 10 11 12"

layers() {
	local i

	mkdir -p l2 layer m control
	for i in $READS; do head -c 4000000 /dev/zero | tr '\0' "$(printf '%x' "$i")" >"l2/file$i"; done
}

# Requests that wait for the layer.
waiting() {
	cat "control/$(mount_minor "$BASE/layer")/waiting"
}

hang() {
	[ "$(waiting)" -ge "$1" ]
}

pipes() {
	find "/proc/$1/fd" -lname 'pipe:*' | wc -l
}

scenario() {
	local i layer pid before readers=""

	mount -t fusectl control control 2>/dev/null || unsupported "the kernel's list of FUSE connections can't be had"
	mount_plyfs "$BASE/layer" "lowerdir=l2" || { echo "FAIL: mount of the layer"; return; }
	layer=$(cat layer.pid)
	mount_plyfs "$BASE/m" "lowerdir=layer:l1,upperdir=upper,workdir=work" || { echo "FAIL: mount"; return; }
	pid=$(cat m.pid)
	before=$(pipes "$pid")
	# Their descriptors are open, so the content is what they wait for.
	for i in $READS; do check "file$i is open" dd if="m/file$i" bs=1 count=1 of=/dev/null status=none; done
	suspend "$layer"
	for i in $READS; do
		cat "m/file$i" >"read$i" &
		readers+=" $!"
		check "$i hang (of $(waiting))" wait_until hang "$i"
	done
	check "at most 8 descriptors are of pipes, not $(($(pipes "$pid") - before))" [ $(($(pipes "$pid") - before)) -le 8 ]
	kill -CONT "$layer"
	# shellcheck disable=SC2086
	wait $readers
	for i in $READS; do check "file$i has its bytes" cmp "l2/file$i" "read$i"; done
	check "unmount" union_umount "$BASE/m"
	check "unmount of the layer" union_umount "$BASE/layer"
	umount control
}
