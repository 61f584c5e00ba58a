# SPDX-License-Identifier: Apache-2.0
# title: layers on idmapped mounts keep their map: owners are read, checked and stored through it
# labels: quick
# needs: setfacl getfacl
# not-mounted: yes

layers() {
	mkdir l2
	mkdir -m 777 l1/dir rw rw/upper rw/work l2/both
	chown 5:5 l1/dir
	put l1/by-1 1
	chown 1:100 l1/by-1
	put l1/by-40 unmapped
	chown 40:40 l1/by-40
	put l1/acl a
	setfacl -m u:1:r,g:20:rwx l1/acl
	put l2/low low
	chown 5:5 l2/low l2/both
	chmod 777 l1 rw/upper
}

# The two lower layers and the pair of upper and work: each has a map of its own.
scenario() {
	local b=$BASE options

	mkdir il1 irw
	sc idmap l1 il1 0:0:1 1:1001:20 100:5000:10 >/dev/null || echo "FAIL: idmapped mount"
	sc idmap rw irw 0:0:1 7001:1001:20 8000:5000:10 >/dev/null || echo "FAIL: idmapped mount"
	options=lowerdir=$b/il1:$b/l2,upperdir=$b/irw/upper,workdir=$b/irw/work
	union "$b/merged" "$options" || echo "FAIL: mount"
	cd merged
	stat_of '%n %a %u:%g' * both
	try getfacl -cn acl
	try sc chmod by-1 640
	try sc chown low 1002 5001
	as 1001:1001 touch dir/f
	as 1001:1001 mkdir dir/d
	as 5003:1020 ln -s x dir/l
	as 1005:1005 touch dir/g
	try setfacl -m u:1003:r acl
	try getfacl -cn acl
	stat_of '%n %a %u:%g' * dir/* both
	try sc chown dir/f 9 9
	as 9:9 touch dir/new
	cd "$b"
	union_umount "$b/merged" || echo "FAIL: unmount"
	echo "--- the upper"
	(cd rw/upper && find . -mindepth 1 ! -type c -printf '%p %m %U:%G\n' | sort)
	(cd rw/upper && getfacl -cn acl)
	umount il1 irw
}
