# SPDX-License-Identifier: Apache-2.0
# title: data=passthrough falls back silently: for layers on an overlay, for setuid files, without the right to it; not with writeback
# plyfs-only: about plyfs's daemon
# variants: newfuse
# not-mounted: yes

layers() {
	put l1/file lower
	put l1/tool tool
	chmod 4755 l1/tool
	mkdir -p m o/upper o/work o/merged
}

# Both kinds of file are read, and one is changed.
answers() {
	cat m/file m/tool
	echo more >>m/file
	cat m/file m/tool "$1/file"
	rm m/tool
	ls m
}

# run NAME LAYER OPTIONS
run() {
	rm -rf upper work log
	mkdir upper work
	mount_plyfs "$BASE/m" "lowerdir=$2,upperdir=upper,workdir=work,log=$BASE/log,$3" || { echo "FAIL: mount"; return; }
	answers "$2" >"said.$1" 2>&1
	counted m read >"reads.$1"
	union_umount "$BASE/m" >>"said.$1" 2>&1
}

scenario() {
	local rc

	"$PLYFS" -o lowerdir=l1,upperdir=upper,workdir=work,data=passthrough,writeback m >said 2>&1
	rc=$?
	check "refused together with writeback" [ $rc -ne 0 ]
	check "in one line that names both" [ "$(cat said)" = "plyfs: data: passthrough: excludes writeback" ]
	run cached l1 data=cached
	run through l1 data=passthrough
	check "the same answers" diff said.cached said.through
	mount -t overlay -o lowerdir=l1,upperdir=o/upper,workdir=o/work overlay o/merged || { check "an overlay" false; return; }
	run overlay o/merged data=passthrough
	umount o/merged
	check "the same over a layer on an overlay" diff said.cached said.overlay
	if "$PLYFS" --version | grep -q 'passthrough yes' && ! grep -aq "can't be had here" log; then
		check "data of a layer on an overlay comes by requests" [ "$(cat reads.overlay)" -gt 0 ]
		check "and that of a setuid file" [ "$(cat reads.through)" -gt 0 ]
	fi
}
