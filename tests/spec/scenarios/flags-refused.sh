# SPDX-License-Identifier: Apache-2.0
# title: a change of flags that the upper's file system refuses changes nothing
# labels: quick
# plyfs-only: the kernel keeps the xattr of a change that was refused, so that the file is immutable, or isn't any more

layers() {
	put upper/free x
	put upper/fixed x
}

is_immutable() {
	lsattr "$1" | grep -q '^[^ ]*i'
}

look() {
	check "$1: what was free can be written" sh -c 'echo y >free'
	check "$1: it isn't shown as immutable" eval '! is_immutable free'
	check "$1: what was immutable is it" is_immutable fixed
	check_equal "$1: it can't be written" "sh: 1: cannot create fixed: Operation not permitted" "$(sh -c 'echo y >fixed' 2>&1)"
}

scenario() {
	# ext4 has no flag C.
	try chattr +iC free
	try chattr +i fixed
	try chattr -i +C fixed
	look before
	remount
	look after
	try chattr -i fixed
	check "it can be written" sh -c 'echo y >fixed'
}
