# SPDX-License-Identifier: Apache-2.0
# title: a directory of the upper that held what was copied up loses its xattr when it is empty again
# labels: quick
# expect-diff: ^observations:.(none|y).mixed the kernel looks for it in a directory that holds other things too

layers() {
	put l1/a 1
	put l1/b 2
	put l1/c 3
	put l1/merged/x 1
}

impure() {
	getfattr --only-values -n trusted.overlay.impure "$BASE/upper/$1" 2>/dev/null || echo -n none
	echo " $1"
}

scenario() {
	mkdir new
	impure new
	mv a b new
	impure new
	rm new/a
	ls -A new
	impure new
	rm new/b
	ls -A new
	impure new
	mkdir mixed
	touch mixed/new
	mv c mixed
	rm mixed/c
	ls -A mixed
	impure mixed
	rm mixed/new
	ls -A mixed
	[ "$(impure mixed)" = "none mixed" ] || echo "FAIL: the xattr stays"
	# And it comes back.
	chmod 600 merged/x
	ln merged/x new/x
	impure new
	rm merged/x
	ls -A merged
	impure merged
	remount
	stat_of '%n %h' new/x
	rm new/x
	ls -A new
	impure new
}
