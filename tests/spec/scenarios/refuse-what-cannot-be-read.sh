# SPDX-License-Identifier: Apache-2.0
# title: what can't be read at mount isn't taken for missing: neither the state of the work directory nor the mounts that may use it
# labels: quick
# needs: strace
# not-mounted: yes
# plyfs-only: about plyfs's own file, and its check against mounts of the kernel

# failing PATH CALL ERROR [N]: CALLs of PATH fail from the Nth on.
failing() {
	plyfs_under_strace -f -P "$1" -e "trace=$2" -e "inject=$2:error=$3:when=${4:-1}+"
}

layers() {
	put l1/x 1
}

scenario() {
	local u=$BASE/upper w=$BASE/work options=lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work REAL=$PLYFS

	# of a later version, as far as anybody knows
	printf 'plyfswrk\377\377\377\377' >work/plyfs.state
	cp work/plyfs.state kept
	failing plyfs.state openat2 EIO
	PLYFS=$BASE/traced refuse "a state that can't be read" "workdir: $w: plyfs.state can't be read: .+" "$options" merged
	check "it is left alone" cmp work/plyfs.state kept
	rm work/plyfs.state
	mount_kernel "$BASE/merged" "$KERNEL_DEFAULTS,$options"
	mkdir other
	echo more >>merged/x
	exec 7<merged/x
	failing /proc/self/mountinfo openat EMFILE
	PLYFS=$BASE/traced refuse "where the layers lie" "layers: the table of mounts can't be read: .+" "$options" other
	# after the look for where the layers lie; where nothing is mounted there is none for a mount that is the same
	failing /proc/self/mountinfo openat EMFILE 2
	PLYFS=$BASE/traced refuse "mounts that can't be read" "upperdir: $u: whether another mount uses it can't be told: .+" "$options" other
	exec 7<&-
	umount merged
}
