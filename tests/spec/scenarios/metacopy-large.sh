# SPDX-License-Identifier: Apache-2.0
# title: with metacopy=on a chown of a tree copies no data, whatever its size
# labels: quick
# options: metacopy=on,redirect_dir=on
# kernel-options: index=off,redirect_dir=on,metacopy=on,xino=off
# size: 4G
# timeout: 120

layers() {
	local i

	fill l1/huge 1024M
	for i in $(seq 100); do
		put l1/d$((i % 10))/f$i "$i"
	done
}

scenario() {
	local before after

	before=$(date +%s%N)
	try chown -R 1000:1000 .
	after=$(date +%s%N)
	check "it takes less than a second for each GiB ($(((after - before) / 1000000)) ms)" [ $((after - before)) -lt $((1000000000 * ${SPEC_SLOWDOWN:-1})) ]
	check "the upper holds no data ($(du -sk "$BASE/upper"))" [ "$(du -sk "$BASE/upper" | cut -f1)" -lt 2048 ]
	try cmp huge "$BASE/l1/huge"
	try cat d3/f93
	find . -printf '%p %U:%G\n' | grep -v ' 1000:1000$'
	check "all have the new owner" true
}
