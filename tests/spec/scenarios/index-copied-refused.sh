# SPDX-License-Identifier: Apache-2.0
# title: an upper with an index over copied layers is refused unless they are certainly the same, and nothing is changed then
# labels: quick
# not-mounted: yes
# plyfs-only: by default plyfs keeps an index, and makes it anew over a copy
# timeout: 120

layers() {
	mkdir -p store/l1 store/l2 store/upper store/work
	put store/l1/a "old"
	put store/l1/c "old c"
	ln store/l1/a store/l1/b
	ln store/l1/c store/l1/d
}

opts() { # STORE
	echo "lowerdir=$1/l1,upperdir=$1/upper,workdir=$1/work"
}

start() { # OPTIONS
	mount_plyfs "$BASE/merged" "$1" || return
	mount_minor "$BASE/merged" >>"$MINORS"
}

stop() {
	union_umount "$BASE/merged"
}

# All that may be changed but the times of the work directory, which is emptied.
on_disk() {
	(cd copy && find upper work/index -printf '%P %i %n %s %m %C@\n' | sort && getfattr -R -h -d -m - -e hex upper work/index 2>/dev/null)
}

# refused CLAIM CAUSE [OPTIONS]
refused() {
	local was=$(on_disk) path="copy/upper: upperdir belongs to another topmost lower layer"

	refuse "$1" "index: ${PATTERN:-$path}; index=off ignores .*$2" "${3:-$(opts copy)}" merged
	check_equal "$1: nothing is changed" "$was" "$(on_disk)"
}

fresh() {
	rm -rf copy
	cp -a store copy
}

changed_layers() {
	fresh
	echo longer >>copy/l1/a
	refused "a lower file of another size" "a in copy/l1 isn't what was copied up"
	fresh
	touch -d @5 copy/l1/a
	refused "a lower file of another time" "a in copy/l1 isn't what was copied up"
	fresh
	ln copy/l1/a copy/l1/e
	refused "a lower file with one more name" "a in copy/l1 isn't what was copied up"
	fresh
	mv copy/l1/a copy/l1/e
	refused "no lower file" "a can't be found in copy/l1: No such file or directory"
	ln -s e copy/l1/a
	refused "a link to it" "a in copy/l1 isn't what was copied up"
	fresh
	refused "another layer above" "was copied from layer 1 of 1" "lowerdir=copy/l2:copy/l1,upperdir=copy/upper,workdir=copy/work"
}

split() {
	cp -R -P --preserve=mode,ownership,timestamps,xattr --no-preserve=links "$@"
}

lost_links() {
	rm -rf copy
	split store copy
	refused "hard links were lost everywhere" "isn't what was copied up"
	fresh
	rm -rf copy/upper
	split store/upper copy/upper
	refused "the upper lost its links" "hard links of the copy of [ac] were lost"
	ln copy/upper/a copy/upper/a1
	refused "and got others" "hard links of the copy of [ac] were lost"
	rm copy/upper/*
	refused "and the upper has no such file" "upperdir has no link of any entry"
	fresh
	ln copy/upper/a elsewhere
	refused "a link of an entry is elsewhere" "not all links of the copy of [ac] are in upperdir"
	fresh
	mkdir copy/other
	PATTERN="copy/other: the index in workdir belongs to another upperdir" refused "another upper" \
		"not all links of the copy of [ac] are in upperdir" "lowerdir=copy/l1,upperdir=copy/other,workdir=copy/work"
}

others() {
	fresh
	refuse "index=on" "index: copy/upper: upperdir belongs to another topmost lower layer; index=off ignores .*" "$(opts copy),index=on" merged
	refused "a read-only mount" "the index in workdir" "$(opts copy),ro"
	start "$(opts copy),index=off"
	check "index=off shows what is below" grep -x old merged/b
	mkdir guest
	refuse "a guest" "index: copy/upper: .* belongs to another .*" "$(opts copy),ro" guest
	stop
	refused "an entry that doesn't say where it is from" "index/[0-9a-f]* doesn't say what it is a copy of" \
		"$(setfattr -x trusted.overlay.plyfs_source copy/upper/a && opts copy)"
	fresh
	check "the right one goes on" start "$(opts copy)"
	check_equal "with its links" "old c more" "$(echo $(cat merged/d))"
	stop
}

# What was copied with its links broken, or never had any, keeps xattrs that name nothing.
without_entries() {
	start "$(opts store)"
	rm merged/?
	echo single >merged/new
	stop
	check_equal "no entry is left" "" "$(ls store/work/index)"
	fresh
	check "an empty index is no hindrance" start "$(opts copy)"
	check "what is there shows" grep -x single merged/new
	stop
}

scenario() {
	start "$(opts store)"
	echo more >>merged/a
	echo more >>merged/c
	stop
	changed_layers
	lost_links
	others
	without_entries
}
