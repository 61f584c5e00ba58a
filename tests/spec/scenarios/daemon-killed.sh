# SPDX-License-Identifier: Apache-2.0
# title: after the daemon was killed the next mount shows all that was written, and the layers are whole
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/file "content"
	put l1/dir/gone 1
	fill l1/big 5M
}

scenario() {
	local b=$BASE pid

	check "the mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check "changes" sh -c 'cd $BASE/merged && echo more >>file && rm dir/gone && mkdir new && sync -f . && printf x | dd of=big conv=notrunc status=none'
	pid=$(cat "$b/merged.pid")
	kill -KILL "$pid"
	check "the daemon is gone" wait_gone "$pid" 10
	check "the mount answers with an error" sh -c "! timeout 5 ls $b/merged 2>/dev/null"
	umount "$b/merged"
	check "the next mount" union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work"
	check_equal "content" "content more " "$(tr '\n' ' ' <"$b/merged/file")"
	check_equal "names" "big dir file new " "$(ls -A "$b/merged" | tr '\n' ' ')"
	check_equal "size" 5242880 "$(stat -c %s "$b/merged/big")"
	check_equal "no whiteout was lost" "" "$(ls -A "$b/merged/dir")"
	check "and unmounted" union_umount "$b/merged"
}
