# SPDX-License-Identifier: Apache-2.0
# title: deleting each name as it is read removes all of them in one pass
# labels: quick

layers() {
	local i

	mkdir -p l1/dir l2/dir l1/low upper/up
	for i in $(seq 1500); do
		echo x >"l1/dir/a$i"
		echo x >"l2/dir/b$i"
		echo x >"l1/low/c$i"
		echo x >"upper/up/d$i"
	done
}

scenario() {
	try sc purge dir 1024
	try sc purge low 4096
	try sc purge up 512
	try ls -A dir low up
	try rmdir dir low up
	try ls -A
}
