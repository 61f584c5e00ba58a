# SPDX-License-Identifier: Apache-2.0
# title: a sparse file stays sparse and keeps its holes when it is copied up
# labels: quick

layers() {
	local i

	truncate -s 200M l1/sparse
	for i in 0 100 10000 40000; do
		printf 'block%d' $i | dd of=l1/sparse bs=4096 seek=$i conv=notrunc status=none
	done
	truncate -s 100M l1/tail
	printf 'head' | dd of=l1/tail conv=notrunc status=none
}

scenario() {
	try sc fd open:sparse:rw pwrite:0:B fsync seek:data:0
	check "less than 4 MiB are taken" test "$(stat -c %b sparse)" -lt 8192
	try sc fd open:tail:rw pwrite:0:H fsync seek:data:0
	check "less than 4 MiB are taken" test "$(stat -c %b tail)" -lt 8192
	stat_of '%n %s' sparse tail
	try chmod 600 tail
	try md5sum sparse tail
}
