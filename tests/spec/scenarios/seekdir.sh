# SPDX-License-Identifier: Apache-2.0
# title: telldir and seekdir lead to the name they were taken at
# labels: quick

layers() {
	local i

	for i in $(seq 500); do
		echo x >"l1/a$i"
		[ $((i % 2)) -ne 0 ] || { mkdir -p l2/pure; echo x >"l2/b$i"; echo x >"l2/pure/c$i"; }
	done
}

scenario() {
	try sc seekdir .
	try sc seekdir pure
	rm a1? b2?
	try sc seekdir .
}
