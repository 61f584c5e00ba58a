# SPDX-License-Identifier: Apache-2.0
# title: wherever the daemon is killed in a mkdir for a member of a group, nobody can write the directory who may not
# labels: quick
# plyfs-only: the daemon runs with fewer capabilities
# needs: setpriv
# not-mounted: yes

layers() {
	mkdir -p upper/own
	chown root:500 upper/own
	chmod 0775 upper/own
	mknod upper/own/dir c 0 0
}

# By a member of the group.
make_dir() {
	(umask 022 && exec setpriv --reuid 1000 --regid 1000 --groups 500 --inh-caps=-all --bounding-set=-all mkdir merged/own/dir) 2>/dev/null
}

scenario() {
	local step=0 made=false

	grep -q PLYFS_FAULT_COUNT "$PLYFS" || unsupported "the build has no fault points"
	cp -a upper before
	cat >weak <<-END
		#!/bin/sh
		PLYFS_FAULT=\$(cat "$BASE/fault") exec setpriv --bounding-set=-dac_override "$PLYFS" "\$@"
	END
	chmod 755 weak
	PLYFS=$BASE/weak
	until $made || [ $step = 30 ]; do
		step=$((step + 1))
		rm -rf upper work
		cp -a before upper
		mkdir work
		echo "kill-after:create:$step" >fault
		union "$BASE/merged" "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work" || break
		if make_dir; then
			made=true
			union_umount "$BASE/merged"
		else
			wait_gone "$(cat merged.pid)" 10
			umount merged
		fi
		check_equal "killed behind step $step" "" "$(find upper/own/dir -type d -perm /022)"
	done
	check "made at last" $made
	check_equal "and given away" "1000:1000 755" "$(stat -c '%u:%g %a' upper/own/dir)"
	check "there were steps" [ $step -gt 3 ]
}
