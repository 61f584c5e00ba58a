# SPDX-License-Identifier: Apache-2.0
# title: a lower file whose data lies elsewhere is refused rather than shown as zeros
# labels: quick

layers() {
	put l1/meta ""
	truncate -s 6 l1/meta
	setfattr -n trusted.overlay.metacopy l1/meta
	put l2/meta "datas"
	put l2/plain 1
}

scenario() {
	check "no zeros come out" sh -c '! cat meta 2>/dev/null || [ "$(cat meta)" = datas ]'
	try cat plain
	try ls -A
}
