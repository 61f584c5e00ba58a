# SPDX-License-Identifier: Apache-2.0
# title: a file whose metadata and data lie in different layers shows both, and never zeros in the data's place
# labels: quick
# options: metacopy=on,redirect_dir=on
# expect-diff: version an xattr that nobody knows isn't followed
# kernel-options: index=off,redirect_dir=on,metacopy=on,xino=off

layers() {
	mkdir -p l1 l2 l3
	metacopy l1/same 6
	chmod 600 l1/same
	setfattr -n user.color -v blue l1/same
	put l2/same "datas"
	setfattr -n user.other -v hidden l2/same
	metacopy l1/chain 6
	metacopy l2/chain 6 /far/away
	put l3/far/away "found"
	metacopy l1/relative 6 old
	put l2/old "older"
	metacopy l1/dir/abs 4 /low/file
	put l3/low/file "low"
	metacopy upper/up 5 /same4
	put l2/same4 "four"
	whiteout upper/same4
	metacopy upper/dir/deep 6
	metacopy l1/dir/deep 6
	put l2/dir/deep "depth"
	metacopy l1/digest 6
	setfattr -n trusted.overlay.metacopy -v 0x002400011122334455667788112233445566778811223344556677881122334455667788 l1/digest
	put l3/digest "shown"
	metacopy l1/version 4
	setfattr -n trusted.overlay.metacopy -v 0x01040000 l1/version
	put l2/version "new"
	metacopy l1/empty 0
	: >l2/empty
	fill l3/big 1M
	metacopy l1/big 1048576

	# What has no data.
	metacopy l1/nothing 6
	metacopy l1/over-whiteout 6
	whiteout l2/over-whiteout
	put l3/over-whiteout "gone"
	metacopy l1/over-dir 6
	mkdir l2/over-dir
	metacopy l1/over-symlink 6
	ln -s same4 l2/over-symlink
	metacopy l1/to-dir 6 /low
	metacopy l1/dangling 6 /no/such
	metacopy l3/lowest 6 /low/file
	metacopy l1/circle 6 /circle
	metacopy l1/sealed/file 6
	opaque l1/sealed
	put l2/sealed/file "below"
	metacopy l1/short 6
	setfattr -n trusted.overlay.metacopy -v 0x00 l1/short
	put l2/short "sixes"
}

scenario() {
	try cat same chain relative dir/abs up dir/deep digest empty
	try cmp big "$BASE/l3/big"
	try stat_of '%n %s %b %a' same chain relative dir/abs up dir/deep digest big empty
	try getfattr -d -m - same chain relative
	check_equal "the end of the data too" "$(tail -c 5 "$BASE/l3/big" | md5sum)" "$(tail -c 5 big | md5sum)"
	for name in nothing over-whiteout over-dir over-symlink to-dir dangling lowest circle sealed/file short; do
		try cat $name
	done
	echo "version: $(cat version 2>&1)"
	try ls -1 . dir
	remount
	try cat same chain relative dir/abs up dir/deep digest
}
