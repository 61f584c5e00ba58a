# SPDX-License-Identifier: Apache-2.0
# title: a volatile mount syncs nothing, leaves incompat/volatile in its work directory, which refuses the next mount until it is removed
# labels: quick
# variants: tsan newfuse
# plyfs-only: the daemon's system calls are watched
# needs: strace
# not-mounted: yes

layers() {
	fill l1/file 300000
	fill l1/dir/other 10000
}

scenario() {
	local b=$BASE options=lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work pid
	local cause="an earlier mount did not sync the upper; if that may be lost, empty upperdir, else delete work/incompat/volatile there"

	check "mounted" union "$b/merged" "$options,volatile"
	check "incompat/volatile is there" test -d work/work/incompat/volatile
	pid=$(cat merged.pid)
	trace_daemon "$pid" -e trace=fsync,fdatasync,sync_file_range,syncfs,sync,msync
	check "changes" sh -c 'cd merged && echo more >>file && mv dir/other moved && rm moved && mkdir new && echo x >new/x && chmod 600 dir &&
		"$SC" fd open:file:rw write:x fsync fdatasync && "$SC" fd open:new:r,dir fsync && sync new/x'
	check "what syncs says ok" sh -c '! "$SC" fd open:merged/file:rw write:x fsync fdatasync | grep -v -E "(ok|1|0)$"'
	umount merged
	check "the daemon left" wait_gone "$pid" 20
	trace_end
	check_equal "nothing was synced" "" "$(grep -E 'sync[a-z_]*\(' trace)"
	rm -f merged.pid trace
	check "it stays" test -d work/work/incompat/volatile
	refuse "the next mount" "volatile: $b/work: $cause" "$options" "$b/merged"
	refuse "a volatile one too" "volatile: $b/work: $cause" "$options,volatile" "$b/merged"
	check "the kernel obeys it as well" sh -c '! mount -t overlay o -o "index=off,$1" merged 2>/dev/null' sh "$options"
	rm -r work/work/incompat/volatile
	check "without it the union mounts" union "$b/merged" "$options"
	check_equal "and shows what was written" "dir file new" "$(echo $(ls -A merged))"
	check "unmounted" union_umount "$b/merged"
}
