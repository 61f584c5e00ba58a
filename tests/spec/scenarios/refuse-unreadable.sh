# SPDX-License-Identifier: Apache-2.0
# title: a layer that the caller can't read is refused before mounting
# labels: quick
# plyfs-only: the form of plyfs's own messages
# not-mounted: yes

layers() {
	put l1/x 1
	mkdir -m 700 secret
	mkdir mine
	chown 9:9 mine
}

scenario() {
	local rc=0

	cp "$PLYFS" "$BASE/plyfs" && chmod 755 "$BASE/plyfs"
	timeout 10 "$SC" as 9:9 "$BASE/plyfs" -o "lowerdir=$BASE/l1:$BASE/secret" "$BASE/mine" 2>said </dev/null || rc=$?
	# A build that measures coverage says that this user can't write its counters.
	sed -i '/^profiling:/d' said
	check_equal "status" 1 $rc
	check_equal "the line" "plyfs: lowerdir: $BASE/secret: Permission denied" "$(cat said)"
	check "nothing is mounted" sh -c "! grep -q $BASE/mine /proc/self/mountinfo"
	rm -f said
}
