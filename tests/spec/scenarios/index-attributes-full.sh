# SPDX-License-Identifier: Apache-2.0
# title: where attributes take all room that a file has for them, a linked file is written, and gets more names and attributes as ever
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off
# needs: setfacl setfattr

# ext4 has a block for them. The xattr that says where a copy comes from takes what room there is besides, and no more.
path() {
	local name

	name=$(printf 'd%.0s' $(seq 200))
	echo "$name/$name/$name/$name"
}

layers() {
	local path

	path=$(path)
	mkdir -p l1/$path
	local f
	for f in acl more link; do
		put l1/$path/$f-1 "old"
		ln l1/$path/$f-1 l1/$path/$f-2
		setfattr -n user.big -v "$(head -c 2600 /dev/zero | tr '\0' v)" l1/$path/$f-1
	done
	# shellcheck disable=SC2046
	setfacl $(printf -- '-m u:%s:r ' $(seq 1001 1060)) l1/$path/acl-1
}

scenario() {
	cd "$(path)" || return
	check "with an ACL it is written" sh -c 'echo new >>acl-1'
	check_equal "by all names" "old new" "$(echo $(cat acl-2))"
	check_equal "with the ACL" 60 "$(getfacl acl-2 2>/dev/null | grep -c :10)"
	check "another is written" sh -c 'echo new >>more-1'
	check "and gets an attribute that fits" setfattr -n user.more -v "$(head -c 900 /dev/zero | tr '\0' v)" more-2
	check_equal "which all names show" 900 "$(getfattr --only-values -n user.more more-1 | wc -c)"
	check "a third is written" sh -c 'echo new >>link-1'
	check "and filled up" setfattr -n user.more -v "$(head -c 350 /dev/zero | tr '\0' v)" link-1
	check "and gets a name" ln link-1 link-3
	check "and loses one" rm link-2
	check_equal "its names are counted" 2 "$(stat -c %h link-3)"
}
