# SPDX-License-Identifier: Apache-2.0
# title: layer_cache names a directory that is the daemon's own, or the mount is refused
# labels: quick
# plyfs-only: the form of plyfs's own messages
# not-mounted: yes

layers() {
	put l1/x 1
	put file 1
	mkdir m readonly group others foreign
	chmod 775 group
	chmod 757 others
	chown 7:7 foreign
}

scenario() {
	local o=lowerdir=$BASE/l1 m=$BASE/m

	refuse "missing" "layer_cache: $BASE/none: No such file or directory" "$o,layer_cache=$BASE/none" "$m"
	refuse "a file" "layer_cache: $BASE/file: not a directory" "$o,layer_cache=$BASE/file" "$m"
	refuse "writable for a group" "layer_cache: $BASE/group: others may write to it.*" "$o,layer_cache=$BASE/group" "$m"
	refuse "writable for all" "layer_cache: $BASE/others: others may write to it.*" "$o,layer_cache=$BASE/others" "$m"
	refuse "another user's" "layer_cache: $BASE/foreign: others may write to it.*" "$o,layer_cache=$BASE/foreign" "$m"
	mount --bind readonly readonly
	mount -o remount,bind,ro readonly
	refuse "read-only" "layer_cache: $BASE/readonly: read-only file system" "$o,layer_cache=$BASE/readonly" "$m"
	umount readonly
}
