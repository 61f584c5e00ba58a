# SPDX-License-Identifier: Apache-2.0
# title: a request that hangs in a layer holds up no other, however many hang, and whatever they ask for
# labels: quick
# not-mounted: yes
# plyfs-only: about plyfs's daemon; the layer that hangs is a plyfs that is stopped
# timeout: 120

HANGING="1 2 3 4 5 6 7 8"

layers() {
	local i

	for i in $HANGING; do put "l2/slow$i/file" "slow $i"; done
	put l1/quick/file quick
	for i in $HANGING; do put "l1/quick/file$i" "$i"; done
	mkdir -p layer m control
}

# ask N: something about the directory slowN, each time something else. What is known is the directory itself.
ask() {
	case $(($1 % 4)) in
	0) cat "m/slow$1/file" ;;
	1) ls "m/slow$1" ;;
	2) stat "m/slow$1/missing" ;;
	3) echo new >"m/slow$1/new" ;;
	esac >"asked$1" 2>&1
}

# Requests that wait for the layer.
waiting() {
	cat "control/$(mount_minor "$BASE/layer")/waiting"
}

hang() {
	[ "$(waiting)" -ge "$1" ]
}

# Names that nobody asked for yet, a listing, a file's content and a change: all within a time that no tick is a measure of.
others_are_answered() {
	limit 10 cat "m/quick/file$1"
	check "$1 hang: a missing name" eval "! timeout -k 1 10 stat 'm/quick/missing$1'"
	limit 10 ls m/quick
	limit 10 sh -c "echo new >'m/quick/new$1'"
}

scenario() {
	local i layer askers="" pid threads

	mount -t fusectl control control 2>/dev/null || unsupported "the kernel's list of FUSE connections can't be had"
	mount_plyfs "$BASE/layer" "lowerdir=l2" || { echo "FAIL: mount of the layer"; return; }
	layer=$(cat layer.pid)
	mount_plyfs "$BASE/m" "lowerdir=layer:l1,upperdir=upper,workdir=work" || { echo "FAIL: mount"; return; }
	pid=$(cat m.pid)
	for i in $HANGING; do check "slow$i is known" stat "m/slow$i"; done
	check "quick is known" stat m/quick
	suspend "$layer"
	for i in $HANGING; do
		ask "$i" &
		askers+=" $!"
		check "$i hang (of $(waiting))" wait_until hang "$i"
		others_are_answered "$i"
	done
	kill -CONT "$layer"
	# shellcheck disable=SC2086
	wait $askers
	check_equal "what hung is answered" "slow 4 file file" "$(echo $(cat asked4 asked1 asked5))"
	check "nobody was told of an error" eval '[ -z "$(cat asked3 asked7)" ] && grep -q "No such file" asked2 asked6'
	check_equal "what was written is there" "new new" "$(echo $(cat m/slow3/new m/slow7/new))"
	check "threads that have no work any more end" wait_until eval '[ "$(ls /proc/'"$pid"'/task | wc -l)" -le 16 ]'
	check "unmount" union_umount "$BASE/m"
	check "unmount of the layer" union_umount "$BASE/layer"
	check "the daemon goes" wait_gone "$pid" 20
	umount control
}
