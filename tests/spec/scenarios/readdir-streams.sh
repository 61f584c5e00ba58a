# SPDX-License-Identifier: Apache-2.0
# title: each stream lists what is there when it begins, whatever other streams have read before, are reading, and change meanwhile
# labels: quick

layers() {
	mkdir -p l1/lower l2/merged l1/merged upper/merged
	(cd l1/lower && seq -f n%.0f 0 399 | xargs touch)
	(cd l1/merged && seq -f n%.0f 0 2 399 | xargs touch)
	(cd l2/merged && seq -f n%.0f 0 3 399 | xargs touch)
	(cd upper/merged && seq -f n%.0f 1 2 399 | xargs touch)
	(cd && seq -f n%.0f 0 399 | xargs touch)
}

# fresh NAME COUNT: of which nobody has read anything, so the kernel keeps what it reads of it.
fresh() {
	mkdir fresh-$1
	(cd fresh-$1 && seq -f n%.0f 0 $(($2 - 1)) | xargs touch)
}

scenario() {
	local size count i

	try sc streams lower lower 1 300
	try sc streams merged merged 1 1000
	fresh streams 250
	try sc streams fresh-streams fresh-streams 2 300
	for size in 500 32768; do
		fresh $size 400
		try sc overtaken fresh-$size 400 $size
	done
	# With "." and "..", as many as fill a page of the kernel's copy, or three.
	for count in 126 382; do
		fresh $count $count
		try sc overtaken fresh-$count $count 500
	done
	# One that was often changed and listed.
	fresh often 400
	for i in $(seq 40); do
		echo >fresh-often/x
		ls fresh-often >/dev/null
		rm fresh-often/x
	done
	try sc overtaken fresh-often 400 500
	rm -r lower merged fresh-*
}
