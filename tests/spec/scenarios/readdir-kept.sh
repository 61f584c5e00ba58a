# SPDX-License-Identifier: Apache-2.0
# title: a directory that has been listed is listed again without a request, also after it was changed, and right when it was changed often
# labels: quick
# plyfs-only: about plyfs's daemon
# variants: newfuse
# not-mounted: yes

layers() {
	mkdir -p l1/dir l2/dir m
	(cd l1/dir && seq -f n%.0f 0 399 | xargs touch)
	(cd l2/dir && seq -f n%.0f 200 599 | xargs touch)
}

names() { ls m/dir | sort | cksum; }

# reads COMMAND: requests to list anything that it makes.
reads() {
	local before

	before=$(($(counted m readdir) + $(counted m readdirplus)))
	"$@" >/dev/null
	echo $(($(counted m readdir) + $(counted m readdirplus) - before))
}

scenario() {
	local i expected bad=0

	check "mounted" mount_plyfs "$BASE/m" "lowerdir=l1:l2,upperdir=upper,workdir=work,log=$BASE/log"
	check "the first listing asks" test "$(reads names)" -gt 0
	check_equal "the second doesn't" 0 "$(reads names)"
	echo new >m/dir/new
	check "one after a change does" test "$(reads names)" -gt 0
	check_equal "and the next one no more" 0 "$(reads names)"
	rm m/dir/new
	expected=$(names)
	for i in $(seq 40); do
		echo new >m/dir/new-$i
		[ "$(ls m/dir | wc -l)" = 601 ] || bad=$((bad + 1))
		rm m/dir/new-$i
		[ "$(names)" = "$expected" ] || bad=$((bad + 1))
	done
	check_equal "80 listings, each after a change, are right" 0 $bad
	check_equal "and so is another one" "$expected" "$(names)"
	check_equal "a stream has its end" 602 "$(sc list m/dir 500 | wc -l)"
	check "unmounted" union_umount "$BASE/m"
}
