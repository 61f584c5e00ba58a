# SPDX-License-Identifier: Apache-2.0
# title: with owners in attributes and id maps the attributes hold the layers' ids, the mount shows its own, and squashing comes last
# labels: quick
# plyfs-only: options of its own
# needs: setfattr getfattr setpriv
# not-mounted: yes

STAT=user.containers.override_stat

layers() {
	mkdir m
	setfattr -n $STAT -v 0:0:0755:dir l1
	put l1/f 1
	setfattr -n $STAT -v 5:6:04755:file l1/f
	put l1/stranger 1
	setfattr -n $STAT -v 70000:70000:0644:file l1/stranger
	mkdir l1/theirs
	setfattr -n $STAT -v 70000:70000:0755:dir l1/theirs
	put l1/theirs/x 1
	setfattr -n $STAT -v 0:0:0644:file l1/theirs/x
	put l1/null ""
	truncate -s 0 l1/null
	setfattr -n $STAT -v 1:1:0666:char-1-3 l1/null
}

said() {
	getfattr --only-values -n $STAT "upper/$1"
}

scenario() {
	local b=$BASE all overflow

	all=lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work,xattr_permissions=2
	overflow=$(cat /proc/sys/kernel/overflowuid):$(cat /proc/sys/kernel/overflowgid)
	# As engines write it: a colon in front or at the end, commas that separate nothing.
	union "$b/m" "$all,uidmapping=:0:1000:1:1:110000:65536,,gidmapping=0:1000:1:1:110000:65536:,private,dev,suid," || echo "FAIL: mount"
	check_equal "owners" "1000:1000 755|110004:110005 4755|$overflow 644|110000:110000 666|" \
		"$(stat -c '%u:%g %a' m m/f m/stranger m/null | tr '\n' '|')"
	check "the file's owner writes" setpriv --reuid 110004 --regid 110005 --clear-groups sh -c 'echo 2 >>m/f'
	check "others don't" sh -c "! setpriv --reuid 5 --regid 6 --clear-groups sh -c 'echo 2 >>m/f' 2>/dev/null"
	check_equal "chown" ok "$(sc chown m/f 1000 110010)"
	check_equal "is stored in the layers' ids" "0:11:0755:file" "$(said f)"
	check_equal "and seen in the mount's" "1000:110010" "$(stat -c %u:%g m/f)"
	check_equal "an id that isn't there" EINVAL "$(sc chown m/f 5 -1)"
	check_equal "leaves the owner" "0:11:0755:file" "$(said f)"
	check_equal "chown of a device" ok "$(sc chown m/null 110001 -1)"
	check_equal "is stored so" "2:1:0666:char-1-3" "$(said null)"
	check_equal "what an unmapped owner has nobody changes" EOVERFLOW "$(sc chmod m/stranger 600)"
	check_equal "but can be copied up" ok "$(sc chmod m/theirs/x 600)"
	check_equal "as it was" "70000:70000:0755:dir" "$(said theirs)"
	check "mkdir" sh -c 'mkdir m/d && chown 1000:1000 m/d'
	check "in it by its owner" setpriv --reuid 1000 --regid 1000 --clear-groups mkdir m/d/x
	check_equal "what is made is the layers' root's" "0:0:0755:dir" "$(said d/x)"
	check_equal "and shown as the mount's" 1000:1000 "$(stat -c %u:%g m/d/x)"
	check "by another" sh -c 'chmod 777 m/d; setpriv --reuid 110004 --regid 110005 --clear-groups mkfifo -m 640 m/d/p'
	check_equal "is his" "5:6:0640:pipe" "$(said d/p)"
	check_equal "a stranger" 1 "$(setpriv --reuid 5 --regid 5 --clear-groups touch m/d/y 2>/dev/null; echo $?)"
	union_umount "$b/m"
	union "$b/m" "$all,uidmapping=:0:1000:1:1:110000:65536,gidmapping=:0:1000:1:1:110000:65536,squash_to_root" || echo "FAIL: mount"
	check_equal "squashed" "0:0 755|0:0 755|0:0 644|0:0 666|0:0 640|" "$(stat -c '%u:%g %a' m m/f m/stranger m/null m/d/p | tr '\n' '|')"
	union_umount "$b/m"
	rm -rf upper/* work/*
}
