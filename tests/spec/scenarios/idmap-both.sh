# SPDX-License-Identifier: Apache-2.0
# title: uidmapping and gidmapping map no layer that lies on an idmapped mount, which has done it
# labels: quick
# needs: setfacl getfacl
# not-mounted: yes

. "${SCENARIO%-both.sh}.sh"

mounted() {
	local b=$BASE maps="0:0:1 1:1001:20 100:5000:10"

	# as containers-storage does it for a mount program
	mkdir il1 irw
	sc idmap l1 il1 $maps >/dev/null && sc idmap rw irw $maps >/dev/null || echo "FAIL: idmapped mounts"
	if [ "$FS" = kernel ]; then
		union "$b/merged" "lowerdir=$b/il1,upperdir=$b/irw/upper,workdir=$b/irw/work"
	else
		maps=$(echo $maps | tr ' ' :)
		union "$b/merged" "lowerdir=$b/il1,upperdir=$b/rw/upper,workdir=$b/rw/work,uidmapping=:$maps,gidmapping=$maps"
	fi
	umount -l il1 irw && rmdir il1 irw
}

unmounted() { :; }

also() {
	try getfattr -e hex -d -m security capable
	as 99:99 cat by-99
	try sc chmod by-99 600
	try sc chmod capable 755
	try getfattr -e hex -d -m security capable
}
