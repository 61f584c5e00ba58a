# SPDX-License-Identifier: Apache-2.0
# title: plyfs and the kernel go on with each other's index: content, counts and numbers
# labels: quick
# not-mounted: yes
# plyfs-only: both mount the same upper in turn

layers() {
	local i
	mkdir -p l1/d1 l1/d2
	for i in 1 2 3 4 5 6 7 8; do
		put l1/d1/a$i "old $i"
		ln l1/d1/a$i l1/d2/b$i
		ln l1/d1/a$i l1/c$i
	done
}

with() { # kernel or plyfs, COMMAND
	local options="lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,index=on,redirect_dir=off"
	if [ "$1" = kernel ]; then
		mount_kernel "$BASE/merged" "$options,metacopy=off,xino=off" || echo "FAIL: $1 does not mount"
	else
		mount_plyfs "$BASE/merged" "$options" || { echo "FAIL: $1 does not mount"; return; }
		mount_minor "$BASE/merged" >>"$MINORS"
	fi
	(cd "$BASE/merged" && eval "$2")
	union_umount "$BASE/merged"
}

look() {
	find . -type f -printf '%p %n %i ' -exec cat {} \; | sort
}

# turn N FIRST SECOND CHANGE: what FIRST changes both must show
turn() {
	with "$1" "$3" || echo "FAIL: $3"
	with "$1" look >first
	with "$2" look >second
	check_equal "$1, then $2: $3" "$(cat first)" "$(cat second)"
}

scenario() {
	with plyfs look >before
	local change
	turn plyfs kernel 'echo new >>d1/a1; echo new >>d2/b2; echo new >>c3'
	turn kernel plyfs 'echo kernel >>c1; echo kernel >>d1/a4'
	turn plyfs kernel 'mv d2/b1 d1/moved; ln d2/b2 d1/linked; chmod 600 c2'
	turn kernel plyfs 'mv c1 d2/moved; ln c2 d2/linked; rm c4; rm d1/a5'
	turn plyfs kernel 'rm d1/a1 c2 d2/b4; echo plyfs >>d1/a4'
	turn kernel plyfs 'rm d1/a4; mv d1/a6 c6; echo kernel >>d2/b6'
	turn plyfs kernel 'rm d1/moved d2/moved; mv d1/a7 d1/a8; echo plyfs >>c7; rm c8 d2/b8'
	turn kernel plyfs 'rm -rf d1 d2'
	turn plyfs kernel 'rm -f c*'
	check_equal "nothing is left in the index" "" "$(ls -A "$BASE/work/index")"
}
