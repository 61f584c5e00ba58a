# SPDX-License-Identifier: Apache-2.0
# title: what belongs to an owner outside the map can be changed by nobody, root neither, as over layers on idmapped mounts
# labels: quick
# needs: setfacl setfattr setcap chattr
# not-mounted: yes
# expect-diff: ^observations:.(given.away|written.below): the kernel can't copy up what has such an owner

layers() {
	local i

	mkdir l1/dir l1/closed l1/above rw rw/upper rw/work
	for i in bits same user given touched cut written program attribute acl capable flags link moved gone secret dir/x closed/x; do
		put "l1/$i" "$i"
		chown 7:7 "l1/$i"
	done
	chmod 4755 l1/program
	chmod 600 l1/secret
	put l1/group g
	chown 100:7 l1/group
	put l1/above/x x
	chown 100:100 l1/above/x
	chown 7:7 l1/dir l1/closed l1/above
	chmod 777 l1 l1/dir rw/upper
	chmod 700 l1/closed
}

mounted() { union_idmapped 0:0:1 100:1100:10; }

changes() {
	try sc chmod bits 600
	try sc chown same -1 -1
	try sc chown user 1101 -1
	try touch -d 2001-01-01 touched
	try sc fd open:cut:w,trunc
	try sc fd open:written:w,append
	try sc fd open:program:rw
	try setfattr -n user.a -v b attribute
	try setfacl -m u:1101:r acl
	try setcap cap_net_raw+ep capable
	try chattr +d flags
	try ln link link2
	try sc rename moved moved2
	try rm -f gone
	try cat secret
	try ls closed
	try sc fd open:dir/new:w,creat
	try rm -f dir/x
	try mkdir dir/made
	try sc chmod dir 700
	try rmdir dir
	try sc chmod group 600
	try sc chown group 1101 -1
	try sh -c 'cat bits dir/x'
}

scenario() {
	mounted
	cd merged
	stat_of '%n %a' *
	check_equal "the owner shows as the overflow id" "$(cat /proc/sys/kernel/overflowuid):$(cat /proc/sys/kernel/overflowgid)" "$(stat -c %u:%g bits)"
	changes
	for i in 65534:65534 1101:1101; do
		as $i "$SC" chmod bits 600
		as $i "$SC" fd open:written:w
		as $i cat secret
	done
	echo "given away: $(sc chown given 1101 1101), it belongs to $(stat -c %u:%g given)"
	echo "written below: $(sc fd open:above/x:w,append write:more | tail -1), what is above belongs to $(stat -c %u:%g above)"
	cd "$BASE"
	union_umount "$BASE/merged" || echo "FAIL: unmount"
	(cd rw/upper && find . -mindepth 1 ! -name given ! -path './above*' -printf '%p %m %U:%G\n' | sort)
	[ "$FS" != kernel ] || umount il1 irw
}
