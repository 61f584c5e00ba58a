# SPDX-License-Identifier: Apache-2.0
# title: a copy-up that fails for want of the data of a metacopy file is told in one line, which names both files
# labels: quick
# plyfs-only: the daemon's log
# needs: setfattr
# not-mounted: yes

layers() {
	metacopy l1/dir/missing 5 /ab/missing
	metacopy l1/dir/longer 50 /ab/data
	put d1/ab/data data
}

# lines ABOUT: of the log, without the time
lines() { grep -a "$1" log | sed 's/^[^ ]* //'; }

scenario() {
	local b=$BASE

	check "mounted" union "$b/merged" \
		"lowerdir=$b/l1::$b/d1,upperdir=$b/upper,workdir=$b/work,log=$b/log,index=off,redirect_dir=on,metacopy=on"
	check "the data is missing" sh -c '! echo more 2>/dev/null >>merged/dir/missing'
	check "it says so" wait_until grep -q copy-up log
	check_equal "in one line" "warning: $b/merged: dir/missing: copy-up failed: ab/missing: the data of a metacopy file is missing" \
		"$(lines missing)"
	check "the data is shorter" sh -c '! echo more 2>/dev/null >>merged/dir/longer'
	check "it says so" wait_until grep -q longer log
	check_equal "in one line" "warning: $b/merged: dir/longer: copy-up failed: ab/data: the data of a metacopy file is of another size" \
		"$(lines 'longer\|another size')"
	check "unmounted" union_umount "$b/merged"
}
