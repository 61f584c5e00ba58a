# SPDX-License-Identifier: Apache-2.0
# title: what is removed or replaced while it is open lives on, and is in nobody's way, on file systems that give it up or another name
# labels: quick
# not-mounted: yes

layers() {
	put l1/low/f low
	put l1/low/t low
	put l1/other low
	mkdir -p m disk poor
}

over() {
	union "$BASE/m" "lowerdir=$BASE/l1,upperdir=$1/u,workdir=$1/w" || echo "FAIL: mount"
}


changes() {
	local calls="fstat pread:0:20 pwrite:1:XX pread:0:20 ftruncate:2 fchmod:600 fstat fsync pread:0:20"
	local left="sh:find $BASE/disk/u -name '.fuse_hidden*'"

	cd m
	try mkdir d r h
	try sc fd open:d/new:rw,creat write:abc sh:'rm d/new' "$left" sh:'rmdir d' $calls
	try sc fd open:low/f:rw write:more sh:'rm low/f' "$left" sh:'ls -A low' $calls
	try touch r/a r/b
	try sc fd open:r/b:rw write:old sh:'echo new >r/a; mv r/a r/b' "$left" $calls sh:'cat r/b'
	try sc fd open:r/b:rw write:rep sh:'mv low/t r/b' "$left" sh:'ls -A low; rm r/b; rmdir r' $calls
	try sc fd open:other:rw pread:0:20 sh:'echo new >new; mv new other' "$left" $calls sh:'cat other; rm -r low'
	try mkfifo p
	try ln -s x s
	try sc fd open:p:rw,nonblock sh:'rm p s' fstat
	# Removed by another name than the one that it was opened by, and its last one.
	if [ "$1" = links ]; then
		try touch h/a
		try ln h/a h/b
		try sc fd open:h/a:rw write:abc sh:'rm h/a' "$left" fstat pread:0:20 sh:'cat h/b; rm h/b' "$left" sh:'rmdir h' $calls
		try touch other2
		try ln other2 h2
		try sc fd open:h2:rw write:abc sh:'mv other h2' "$left" fstat pread:0:20 pwrite:0:X sh:'cat other2 h2; rm h2 other2' $calls
	fi
	try sh -c 'find . -mindepth 1 | sort'
	cd ..
}

scenario() {
	local words on

	for words in "" "hidden" "nolinks" "hidden nolinks"; do
		on=$BASE/disk
		[ "$FS" = kernel ] || "$POOR" disk poor attributes devices $words || echo "FAIL: poor"
		[ "$FS" = kernel ] || on=$BASE/poor
		mkdir "$on/u" "$on/w"
		over "$on"
		echo "--- $words"
		case $words in *nolinks) changes none ;; *) changes links ;; esac
		union_umount m || echo "FAIL: unmount"
		[ "$FS" = kernel ] || check_work_of "$on/w"
		over "$on"
		try sh -c 'find m -mindepth 1 | sort'
		union_umount m || echo "FAIL: unmount"
		rm -r "$on/u" "$on/w"
		[ "$FS" = kernel ] || umount poor
	done
}

check_work_of() {
	[ -z "$(find "$1" -mindepth 2 ! -path '*/index/*' ! -path '*/nlink/*')" ] || echo "FAIL: something is left in the work directory"
}
