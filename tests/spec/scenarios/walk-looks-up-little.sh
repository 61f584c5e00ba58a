# SPDX-License-Identifier: Apache-2.0
# title: a walk that reads names alone looks up few directories: the others come with the listing, and are as looked up one by one
# plyfs-only: about plyfs's daemon
# variants: newfuse
# not-mounted: yes

layers() {
	local i

	mkdir -p l1 l2 m
	for i in $(seq 20); do
		mkdir -p l1/a/only1-"$i" l1/b/both-"$i" l2/a/only2-"$i" l2/b/both-"$i"
		chmod 7"$((i % 8))"5 l1/a/only1-"$i" l1/b/both-"$i" l2/a/only2-"$i"
		touch l1/a/only1-"$i"/f l1/b/both-"$i"/f l2/b/both-"$i"/g
	done
}

attributes() { find m/a m/b -type d -printf '%p %i %m %n %s %U %G %t\n' | sort; }

# with OPTIONS COMMAND: what it says over a fresh mount, and the lookups
with() {
	rm -f log
	mount_plyfs "$BASE/m" "lowerdir=l1:l2,log=$BASE/log$1" || { echo "FAIL: mount"; return; }
	$2
	counted m lookup >n
	union_umount "$BASE/m" >&2
}

names() { find m | sort; }
one_by_one() {
	local dir

	for dir in m/a m/b l1/a/* l1/b/* l2/a/*; do
		find "m/${dir#*/}" -maxdepth 0 -printf '%p %i %m %n %s %U %G %t\n'
	done | sort
}

scenario() {
	with "" names >listed
	check "all names ($(wc -l <listed))" [ "$(wc -l <listed)" = 123 ]
	check "few of 62 directories are looked up ($(cat n))" [ "$(cat n)" -le 10 ]
	with ",timeout=0" names >again
	check "the same names with timeout=0" diff listed again
	with "" attributes >walked
	with "" one_by_one >asked
	check "each was asked for ($(cat n))" [ "$(cat n)" -ge 62 ]
	check "the same attributes" diff walked asked
	check "of all directories" [ "$(wc -l <asked)" = 62 ]
}
