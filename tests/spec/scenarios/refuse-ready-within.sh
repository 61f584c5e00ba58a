# SPDX-License-Identifier: Apache-2.0
# title: a session that is mounted already over its own layers, log, lock or pid file is refused at once
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/file content
	mkdir -p point/l1 point/upper point/work
}

# within OPTION PATH OPTIONS: the option is refused because of the path
within() {
	local b=$BASE ready

	exec {ready}<>/dev/fuse
	mount -i -t fuse -o "fd=$ready,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other" plyfs point
	mount_minor "$b/point" >>"$MINORS"
	if grep -q fuse_connection "/proc/self/fdinfo/$ready"; then
		refuse "$1" "$1: $2: it is in the mount, which nobody serves yet" "$3" "/dev/fd/$ready"
	fi
	umount -l point
	exec {ready}>&-
}

scenario() {
	local b=$BASE

	ln -s point/l1 link
	within lowerdir "$b/point/l1" "lowerdir=$b/point/l1"
	within lowerdir "$b/point" "lowerdir=$b/l1:$b/point"
	within lowerdir link "lowerdir=link"
	within upperdir "$b/point/upper" "lowerdir=$b/l1,upperdir=$b/point/upper,workdir=$b/point/work"
	within workdir "$b/point/work" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/point/work"
	within log "$b/point/log" "lowerdir=$b/l1,log=$b/point/log"
	within pidfile "$b/point/pid" "lowerdir=$b/l1,pidfile=$b/point/pid"
	within lock "$b/point/lock" "lowerdir=$b/l1,lock=$b/point/lock"
	within layer_cache "$b/point/none" "lowerdir=$b/l1,layer_cache=$b/point/none"
}
