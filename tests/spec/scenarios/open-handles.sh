# SPDX-License-Identifier: Apache-2.0
# title: where the daemon may not reopen files at will, an open file works on without permissions, and its close lets go of it
# labels: quick
# plyfs-only: the daemon runs with fewer capabilities
# not-mounted: yes
# needs: setpriv

layers() {
	put upper/file "content"
	put l1/low "content"
	fill upper/big 20M
}

scenario() {
	local before b=$BASE

	printf '#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search "%s" "$@"\n' "$PLYFS" >weak
	chmod 755 weak
	PLYFS=$b/weak
	check "mounted" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	cd "$b/merged" || return
	try sc fd open:file:rw fchmod:0 pwrite:0:C pread:0:10
	try sc fd open:low:rw fchmod:0 pwrite:0:C pread:0:10
	before=$(stat -f -c %f "$b/upper")
	try sc fd open:big:rw pwrite:0:x
	try rm big
	check "the space of a removed file is back" wait_until has_freed "$before" 4000
	cd "$b" || return
	check "unmounted" union_umount "$b/merged"
	check_equal "what was written" "Content Content" "$(echo $(cat upper/file upper/low))"
}
