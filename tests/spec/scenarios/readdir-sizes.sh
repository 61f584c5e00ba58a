# SPDX-License-Identifier: Apache-2.0
# title: a listing is the same with any buffer and holds each name once
# labels: quick

layers() {
	local i

	for i in $(seq 300); do
		echo x >"l1/name-$i"
		[ $((i % 3)) -ne 0 ] || { mkdir -p l2; echo y >"l2/name-$i"; }
		[ $((i % 7)) -ne 0 ] || { mkdir -p l3; echo z >"l3/other-$i-$(printf '%0200d' "$i")"; }
	done
}

scenario() {
	for size in 300 512 4096 65536 1M; do
		"$SC" list . $size | md5sum
		"$SC" list . $size | sort | uniq -d
	done
	try sc list . 16
	rm name-1?? other-7-*
	"$SC" list . 512 | md5sum
	"$SC" list . | wc -l
	try ls -A missing
	try sc fd open:.:r,dir read:10
}
