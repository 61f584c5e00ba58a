# SPDX-License-Identifier: Apache-2.0
# title: what is immutable or for appending alone in a lower layer can't be removed, renamed or linked, and its directory keeps its names
# labels: quick
# needs: chattr setfattr
# not-mounted: yes

layers() {
	local i

	mkdir -p merged low
	for i in still log; do
		put low/$i 1
		mkdir low/empty-$i
		put low/dir-$i/x 1
		put low/dir-$i/sub/y 1
		setfattr -n user.a -v a low/dir-$i
	done
	chattr +i low/still low/empty-still low/dir-still
	chattr +a low/log low/empty-log low/dir-log
}

mounted() {
	union "$BASE/merged" "lowerdir=$BASE/low,upperdir=$BASE/upper,workdir=$BASE/work,$1" || echo "FAIL: mount"
}

unmounted() {
	union_umount "$BASE/merged" || echo "FAIL: unmount"
}

# attempts NAME: what is forbidden for a file and a directory of that kind, and for what is in one
attempts() {
	try rm -f $1
	try sc rename $1 moved
	try sc rename plain $1
	try ln $1 linked
	try rmdir empty-$1
	try sc rename empty-$1 moved
	try sc rename plain-dir empty-$1
	try rmdir dir-$1
	try rm -f dir-$1/x
	try rmdir dir-$1/sub
	try sc rename dir-$1/x dir-$1/z
	try sc rename dir-$1/x z
	try sc rename plain dir-$1/x
	try sc rename dir-$1 moved
	try sc rename dir-$1 plain-dir exchange
	try chmod 700 dir-$1
	try chown 1 dir-$1
	try touch -d 2001-01-01 dir-$1
	try setfattr -n user.a -v b dir-$1
	try setfattr -x user.a dir-$1
}

additions() {
	try ln dir-still/x dir-still/linked
	try touch dir-still/new
	try mkdir dir-still/new
	try ln -s x dir-still/new
	try sc rename plain dir-still/new
	try touch dir-still
	try touch dir-log/new-$1
	try ln dir-log/x dir-log/linked-$1
	try touch dir-log
}

all() {
	touch plain
	mkdir plain-dir
	attempts still
	attempts log
	additions $1
	find . | sort
	rm -r plain plain-dir
}

scenario() {
	mounted redirect_dir=off
	(cd merged && all 1)
	# What lies below can be changed, for which the directories are copied up.
	(cd merged && for i in dir-still/x dir-still/sub/y dir-log/sub/y; do try sh -c "echo more >>$i"; done; all 2)
	unmounted
	mounted redirect_dir=on
	(cd merged && all 3)
	(cd merged && try chattr -i still empty-still dir-still && try chattr -a log empty-log dir-log && all 4)
	unmounted
	chattr -R -i -a low
}
