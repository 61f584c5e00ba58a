# SPDX-License-Identifier: Apache-2.0
# title: the directories in the work directory permit nobody anything and inherit nothing from it
# labels: quick
# needs: setfacl
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	chmod 2770 work
	setfacl -d -m u:7:rwx,o::rwx work
	setfacl -m u:8:rwx work
	put l1/a x
	ln l1/a l1/b
}

look() {
	local dir

	for dir in work index; do
		stat_of '%n %A %U:%G' "$BASE/work/$dir"
		getfacl -p -c "$BASE/work/$dir"
	done
}

scenario() {
	try sh -c 'echo more >>a'
	look
	# What is made there has its own permissions.
	getfacl -p -c a
	try rm a
	try sh -c 'echo >a'
	getfacl -p -c a
	remount
	look
	try cat a b
	try rm a b
}
