# SPDX-License-Identifier: Apache-2.0
# title: an upper that another mount uses can be mounted read-only and shows what the other one does
# labels: quick
# plyfs-only: the kernel warns, and says that what is shown then is undefined
# not-mounted: yes
# timeout: 60

layers() {
	put l1/keep keep
	put l1/gone gone
	put l1/dir/old old
	put l1/linked linked
	ln l1/linked l1/linked2
	put l2/below below
	put upper/own own
	mkdir merged2
}

shown() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %i\n' | sort && find . -type f | sort | xargs cat)
}

scenario() {
	local b=$BASE options="lowerdir=$BASE/l1:$BASE/l2,upperdir=$BASE/upper,workdir=$BASE/work,index=on" before

	check "the first mount" union "$b/merged" "$options"
	rm "$b/merged/gone"
	rm -r "$b/merged/dir"
	mkdir "$b/merged/dir"
	echo more >>"$b/merged/keep"
	chown 5:6 "$b/merged/below"
	mv "$b/merged/own" "$b/merged/moved"
	before=$(find "$b/upper" "$b/work" | sort)
	check "a second one that can't change anything, without a wait" timeout 4 "$PLYFS" -o "$options,ro,pidfile=$b/merged2.pid" "$b/merged2"
	check_equal "it shows the same" "$(shown "$b/merged")" "$(shown "$b/merged2")"
	check "it can't be changed" sh -c "! (echo x >'$b/merged2/keep') 2>/dev/null"
	check_equal "nothing is written beside it" "$before" "$(find "$b/upper" "$b/work" | sort)"
	echo later >"$b/merged/later"
	rm "$b/merged/keep"
	check_equal "and what changes later too" "$(shown "$b/merged")" "$(shown "$b/merged2")"
	check "the first can be changed all the while" sh -c "echo x >'$b/merged/x'"
	check "the second goes" union_umount "$b/merged2"
	refuse "one that could is refused" "(upperdir|workdir): $b/(upper|work): .+" "$options" "$b/merged2"

	# The copy of a file with two names is known by the index alone.
	echo more >>"$b/merged/linked"
	check "one with an index" union "$b/merged2" "$options,ro"
	check_equal "shows the same as well" "$(shown "$b/merged")" "$(shown "$b/merged2")"
	check "and goes" union_umount "$b/merged2"
	check "the first goes" union_umount "$b/merged"
}
