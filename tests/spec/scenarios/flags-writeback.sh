# SPDX-License-Identifier: Apache-2.0
# title: with writeback an immutable file can't be opened to write, an append-only one takes what is appended, and neither loses anything
# labels: quick
# options: writeback
# expect-diff: upper:.low/(log|short)[|] the flag is set on the upper object itself, besides its xattr

layers() {
	local dir

	for dir in l1/low upper/up; do
		put $dir/still "still"
		fill $dir/log 8100
		put $dir/short "short"
		"$SC" flags $dir/still +i
		"$SC" flags $dir/log +a
		"$SC" flags $dir/short +a
	done
}

scenario() {
	local dir f

	for dir in low up; do
		try sc fd open:$dir/still:rw
		try sc fd open:$dir/still:w,append
		try sc fd open:$dir/still:r read:5
		try sc fd open:$dir/log:rw
		try sc fd open:$dir/log:w,append pwrite:0:AT-THE-END fsync
		try sc fd open:$dir/log:rw,append write:more read:10 pread:8095:15 fdatasync
		try sc fd open:$dir/short:w,append write:a write:b close
		try sc fd open:$dir/short:w,append futimens:now:now fsync
		mtime_of $dir/short
		try sc utimens $dir/short now now
		try sc utimens $dir/short 1 1
		try sc utimens $dir/short omit now
		try sc utimens $dir/still now now
		try sc chmod $dir/short 600
		# Pages and more than one request's worth of them, all at the end.
		dd if=/dev/zero bs=3M count=1 status=none | tr '\0' x >>$dir/log
		sync $dir/log
		check_equal "$dir/log has all" $((8100 + 14 + 3145728)) "$(stat -c %s $dir/log)"
		for f in log short; do tail -c 20 $dir/$f; echo; done
	done
	remount
	md5sum low/* up/*
}
