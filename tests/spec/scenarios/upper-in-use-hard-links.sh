# SPDX-License-Identifier: Apache-2.0
# title: a read-only mount of an upper in use shows the copies of hard-linked lower files by all their names, as the other mount does
# labels: quick
# plyfs-only: the kernel mounts none with index=on, and breaks hard links without
# not-mounted: yes
# timeout: 120

layers() {
	put l1/a a
	mkdir l1/dir l1/empty
	ln l1/a l1/b
	ln l1/a l1/dir/c
	put l2/x x
	ln l2/x l2/y
	mkdir l2/dir
	ln l2/x l2/dir/z
	put l1/gone1 gone
	ln l1/gone1 l1/gone2
	ln l1/gone1 l1/gone3
	put l1/later1 later
	ln l1/later1 l1/later2
	mkfifo l1/once1 l1/again1
	ln l1/once1 l1/once2
	ln l1/again1 l1/again2
	ln -s target l2/link1
	ln -P l2/link1 l2/link2
	mkdir merged2 work2
}

shown() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %i %n %s %T@ %l\n' | sort && find . -type f | sort | xargs cat)
}

# Numbers of a listing are those that stat tells.
listed() {
	(cd "$1" && sc inodes . && sc inodes dir && sc inodes empty)
}

on_disk() {
	find "$BASE/upper" "$BASE/work" -printf '%p %i %n %s %m %C@ %T@\n' | sort
	getfattr -h -R -d -m - --absolute-names "$BASE/upper" "$BASE/work"
}

same() {
	check "the same is shown: $1" diff <(shown "$BASE/merged") <(shown "$BASE/merged2")
	check "numbers are as listed: $1" diff <(listed "$BASE/merged") <(listed "$BASE/merged2")
}

# change WHAT: what the shell does in the first mount is seen in the second.
change() {
	check "$1" sh -c "cd '$BASE/merged' && $1"
	same "$1"
}

second() {
	union "$BASE/merged2" "$1,ro"
}

scenario() {
	local b=$BASE options="lowerdir=$BASE/l1:$BASE/l2,upperdir=$BASE/upper,workdir=$BASE/work,index=on" before pid

	check "the first mount" union "$b/merged" "$options"
	echo more >>"$b/merged/b"
	rm "$b/merged/gone1"
	before=$(on_disk)
	check "the second one" second "$options"
	same "copied up before"
	check_equal "nothing is written beside it" "$before" "$(on_disk)"

	# One copy goes while it is known, but not open in its layer, and the next one gets its number.
	chmod 640 "$b/merged/once1"
	exec 3<>"$b/merged2/once2"
	rm "$b/merged/once1" "$b/merged/once2"
	sleep 0.3
	change "chmod 600 again2"
	exec 3<&-
	change "echo more >>y"
	change "echo again >>a"
	change "chmod 640 later2"
	change "touch -h -d @5 link1"
	change "rm gone2"
	change "rm b"
	change "rm y"
	change "mv dir/c empty/moved"
	change "ln x new"
	change "mv a dir/a && echo more >>empty/moved"
	change "rm dir/a empty/moved"
	change "echo a >a && ln a b"
	change "rm later1 && echo more >>later2"
	change "rm -r dir && mkdir dir && ln x dir/z"
	check "it can't be changed" sh -c "! (echo x >>'$b/merged2/x' || rm '$b/merged2/x' || ln '$b/merged2/x' '$b/merged2/w') 2>/dev/null"
	mount -i -o remount,rw "$b/merged2"
	check "nor when it is remounted" sh -c "! (echo x >>'$b/merged2/x' || rm '$b/merged2/x' || ln '$b/merged2/x' '$b/merged2/w') 2>/dev/null"

	check "the second goes" union_umount "$b/merged2"
	check "and comes again" second "$options"
	change "echo more >>gone3"

	pid=$(cat "$b/merged.pid")
	kill -KILL "$pid"
	wait_gone "$pid" 10
	umount "$b/merged"
	before=$(shown "$b/merged2")
	check "the first was killed and comes again" union "$b/merged" "$options"
	check_equal "what is shown stays" "$before" "$(shown "$b/merged2")"
	same "after the other one's death"
	change "echo more >>gone3 && chmod 600 x"
	change "rm x"

	before=$(shown "$b/merged")
	check "the first goes before" union_umount "$b/merged"
	check_equal "all is shown still" "$before" "$(shown "$b/merged2")"
	check "the first comes again beside it" union "$b/merged" "$options"
	change "echo more >>new"
	check "both go" sh -c "umount '$b/merged2' && umount '$b/merged'"

	# The work directory is looked into: no other will do.
	check "the first once more" union "$b/merged" "$options"
	refuse "one with another work directory" "upperdir: $b/upper: .+" "lowerdir=$b/l1:$b/l2,upperdir=$b/upper,workdir=$b/work2,ro" "$b/merged2"
	refuse "one that is to ignore the index" "(index|workdir): $b/work: .+" "${options%,*},index=off,ro" "$b/merged2"
	check "the first goes" union_umount "$b/merged"
}
