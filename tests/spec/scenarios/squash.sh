# SPDX-License-Identifier: Apache-2.0
# title: squash_to_root, squash_to_uid and squash_to_gid show every owner as that one, and a chown that can't be done is no error
# labels: quick
# plyfs-only: options of its own
# not-mounted: yes

layers() {
	put l1/dir/a a
	chown 5:6 l1/dir
	chown 7:8 l1/dir/a
	ln -s x l1/dir/l
	chown -h 9:9 l1/dir/l
	chmod 777 upper
}

owners() {
	echo $(stat -c '%u:%g' "$@" | sort -u)
}

# squashed EXPECTED OPTIONS
squashed() {
	local b=$BASE

	union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,$2"
	cd merged
	check_equal "$2" "$1" "$(owners . dir dir/*)"
	check "a listing has them too" sh -c 'ls -ln dir >/dev/null'
	check_equal "$2, known from a listing" "$1" "$(find dir -mindepth 1 -printf '%U:%G\n' | sort -u)"
	check_equal "chown" ok "$(sc chown dir/a 31 32)"
	check_equal "isn't seen" "$1" "$(owners dir/a)"
	check_equal "but stored" 31:32 "$(stat -c %u:%g "$b/upper/dir/a")"
	check "touch" touch dir/new
	check "mkdir" mkdir dir/newdir
	check "ln -s" ln -s x dir/newlink
	check "mkfifo" mkfifo dir/newfifo
	check_equal "what is new, $2" "$1" "$(owners dir/new*)"
	cd "$b"
	union_umount "$b/merged" || echo "FAIL: unmount"
	rm -rf upper work/*
	mkdir -m 777 upper
}

scenario() {
	local b=$BASE

	squashed 0:0 squash_to_root
	squashed 50:60 squash_to_uid=50,squash_to_gid=60
	squashed 50:0 squash_to_root,squash_to_uid=50
	squashed 0:60 squash_to_root,squash_to_gid=60
	union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,squash_to_uid=50"
	check_equal "squash_to_uid alone keeps groups" "50:6 50:8 50:9" "$(owners merged/dir merged/dir/*)"
	check_equal "chgrp" ok "$(sc chown merged/dir/a -1 77)"
	check_equal "shows" 50:77 "$(owners merged/dir/a)"
	union_umount "$b/merged"
	rm -rf upper work/*
	mkdir -m 777 upper
	# In a user namespace with one id.
	unshare -Urm bash -c '
		"$PLYFS" -o "lowerdir=l1,upperdir=upper,workdir=work,squash_to_root,pidfile=$PWD/pid" merged && pid=$(cat pid)
		echo more >>merged/dir/a && chmod 711 merged/dir && mv merged/dir/l merged/dir/m && touch merged/dir/new &&
			stat -c %u:%g merged merged/dir merged/dir/* | sort -u
		umount merged
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done' >ns.out 2>&1
	check_equal "owners that a user namespace has no number for are copied up as they can be" "0:0" "$(cat ns.out)"
	check_equal "and belong to its one id" "0:0" "$(owners upper/dir upper/dir/*)"
	rm -rf upper work/* ns.out
	mkdir -m 777 upper
	# With a map, what it lacks is no error either.
	union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,squash_to_root,uidmapping=0:1000:10,gidmapping=0:1000:10"
	check_equal "chown to an unmapped id" ok "$(sc chown merged/dir/a 5 5)"
	check_equal "shows as before" 0:0 "$(owners merged/dir/a)"
	check_equal "chown to a mapped id" ok "$(sc chown merged/dir/a 1005 1006)"
	check_equal "is stored" 5:6 "$(stat -c %u:%g upper/dir/a)"
	check "unmapped callers make files" touch merged/dir/new
	check_equal "of the same owner" 0:0 "$(owners merged/dir/new)"
	union_umount "$b/merged"
}
