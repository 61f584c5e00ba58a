# SPDX-License-Identifier: Apache-2.0
# title: with timeout=0 files and directories of a layer may be replaced, removed and retyped while the mount is read
# plyfs-only: an option of plyfs's own
# not-mounted: yes

layers() {
	mkdir -p moving/dir
	put moving/file "one"
	put moving/dir/x "x"
	put l1/base "base"
}

scenario() {
	local b=$BASE i bad=0 pids=

	check "mounted" union "$b/merged" "lowerdir=$b/moving:$b/l1,upperdir=$b/upper,workdir=$b/work,timeout=0"
	check_equal "before" "one" "$(cat merged/file)"
	put "$b/moving/file.new" "two, longer"
	mv moving/file.new moving/file
	check_equal "replaced" "two, longer" "$(cat merged/file)"
	echo three >moving/file
	check_equal "rewritten" "three" "$(cat merged/file)"
	rm moving/file
	mkdir moving/file
	check_equal "now a directory" "directory" "$(stat -c %F merged/file)"
	rmdir moving/file
	check "gone" test ! -e merged/file
	ln -s base moving/file
	check_equal "now a link" "base" "$(cat merged/file)"
	rm -r moving/dir
	check_equal "an empty listing" "base file" "$(echo $(ls -A merged))"
	# somebody changes the layer all the time, others read and write: no hang, no death, no answer but these
	(while [ -e go ] || [ -z "${begun:-}" ]; do begun=1; rm -rf moving/dir moving/f; mkdir moving/dir; echo x >moving/dir/a; echo x >moving/f; rm moving/f; mkdir moving/f; done) &
	: >go
	for i in 1 2 3; do
		(for j in $(seq 150); do timeout -k 1 10 sh -c 'cd merged && cat f dir/a; ls -lR . ; echo x >>dir/a; echo x >>f; rm -f f; stat dir' >/dev/null 2>&1; [ $? -lt 124 ] || echo hang >>hung; done) &
		pids="$pids $!"
	done
	wait $pids
	rm go
	wait
	check "no call hung" test ! -e hung
	check "the daemon lives" pid_alive "$(cat merged.pid)"
	check_equal "still readable" "base" "$(cat merged/base)"
	check "unmounted" union_umount "$b/merged"
}
