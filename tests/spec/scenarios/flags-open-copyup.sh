# SPDX-License-Identifier: Apache-2.0
# title: with copyup=open an immutable file can't be opened to write, and an append-only one to append alone
# labels: quick
# options: copyup=open

layers() {
	local i

	for i in still log; do
		put l1/$i "$i below"
		put upper/up-$i "$i above"
	done
}

scenario() {
	local f

	# once open for writing, so that the daemon has a descriptor from before
	for f in up-still up-log; do
		try sc fd open:$f:rw read:5
	done
	for f in still up-still; do
		try sc flags $f +i
		try sc fd open:$f:w
		try sc fd open:$f:rw
		try sc fd open:$f:w,append
		try sc fd open:$f:w,trunc
		try sc fd open:$f:r read:20
		try sc flags $f -i
		try sc fd open:$f:w write:x
	done
	for f in log up-log; do
		try sc flags $f +a
		try sc fd open:$f:w
		try sc fd open:$f:rw
		try sc fd open:$f:w,append,trunc
		try sc fd open:$f:w,append write:more
		try sc fd open:$f:r read:20
		try sc flags $f -a
		try sc fd open:$f:w write:x
	done
	cat still log up-still up-log
}
