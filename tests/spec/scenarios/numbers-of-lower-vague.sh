# SPDX-License-Identifier: Apache-2.0
# title: a layer whose file system gives an object another number later is read, listed and copied up, and shows numbers that last
# labels: quick
# not-mounted: yes

layers() {
	put l1/a "text a"
	put l1/dir/f "text f"
	put l1/dir/g "text g"
	put l1/dir/sub/deep/h "text h"
	put l1/pair1 "pair"
	ln l1/pair1 l1/pair2
	ln -s a l1/link
	mkfifo l1/fifo
	put l2/dir/sub/below "below"
	mkdir -p m disk poor
}

over() {
	union "$BASE/m" "redirect_dir=on,lowerdir=$1/l1:$1/l2,upperdir=$BASE/upper,workdir=$BASE/work" || echo "FAIL: mount"
}

numbers() {
	(cd m && find . -printf '%P %i\n' | sort)
}

# numbers_hold CLAIM EXPECTED ACTUAL: plyfs's own promise, the kernel's numbers are others.
numbers_hold() {
	if [ "$FS" = kernel ]; then echo "ok: $1"; else check_equal "$@"; fi
}

# Of what has been there all the time, under the same name.
lasting() {
	grep -vE '^(dir/g|moved|new.*|link|fifo|dir/sub/deep|pair.) '
}

same_numbers() {
	numbers_hold "$1" "$(lasting <<<"$2")" "$(numbers | lasting)"
}

scenario() {
	local words on before forget="sh:$BASE/forget"

	for words in nodeids pathids; do
		cp -a l1 l2 disk
		on=$BASE/disk
		echo "true" >forget
		if [ "$FS" = plyfs ]; then
			"$POOR" disk poor $words || echo "FAIL: poor"
			on=$BASE/poor
			echo "'$SC' forget '$BASE/poor'" >forget
		fi
		chmod +x forget
		over "$on"
		echo "--- $words"
		before=$(numbers)
		numbers_hold "readdir and stat agree" "" "$(for d in m m/dir m/dir/sub m/dir/sub/deep; do sc inodes $d; done | grep -v '^\.\. ' | grep -E 'DIFFERS|WRONG')"
		check_equal "no two objects have one number" "" "$(awk '!/^pair/ { print $2 }' <<<"$before" | sort | uniq -d)"
		try sc fd open:m/a:r open:m/dir/sub/deep/h:r open:m/dir:r open:m/pair1:r "$forget" use:0 fstat pread:0:20 use:1 fstat pread:0:20 \
			mmap:r:4 show:0:4 use:2 fstat use:3 pread:0:20 sh:'find m >/dev/null' "$forget" fstat use:1 fstat
		try sh -c 'cd m/dir/sub && ../../../forget && cat deep/h below && ls deep ..'
		same_numbers "the numbers are the same later" "$before"
		try sc fd open:m/dir/f:rw pread:0:20 "$forget" pwrite:0:TEXT fstat "$forget" pread:0:20 fstat
		try sh -c './forget; echo more >>m/pair2; chmod 600 m/dir/sub/deep/h; cat m/pair2'
		try sh -c './forget; mv m/dir/g m/moved; mv m/dir/sub/deep m/new; rm m/link m/fifo; cat m/moved m/new/h'
		try mkdir m/dir/sub/deep
		try sh -c 'mv m/new/h m/dir/sub/deep/; rmdir m/new; ./forget; cat m/dir/sub/deep/h'
		same_numbers "copying up changes none" "$before"
		try sh -c 'cd m && find . | sort'
		union_umount m || echo "FAIL: unmount"
		try ./forget
		over "$on"
		try sh -c 'cd m && find . | sort && cat moved dir/f dir/sub/deep/h pair2'
		same_numbers "a remount changes none" "$before"
		union_umount m || echo "FAIL: unmount"
		[ "$FS" = kernel ] || umount poor
		rm -rf upper/* work/* disk/*
	done
}
