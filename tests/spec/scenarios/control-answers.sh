# SPDX-License-Identifier: Apache-2.0
# title: what the daemon tells of options and layer caches is what is in force
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put s/1/d/file content
	put s/2/d/other content
	mkdir control index
	chmod 700 control
}

# told NAME: the member of the status
told() {
	control "$BASE/merged" '{"op":"status"}' | grep -o "\"$1\":[^,}]*" | cut -d: -f2-
}

mounted() {
	mount_plyfs "$BASE/merged" "lowerdir=$BASE/s/1:$BASE/s/2,control_socket=$BASE/control$1" && mount_minor "$BASE/merged" >>"$MINORS"
}

ended() {
	check "unmounted" union_umount "$BASE/merged"
}

cached() {
	control "$BASE/merged" '{"op":"layers"}' | grep -o '"cached":[a-z]*' | cut -d: -f2 | tr '\n' ' '
}

caches_are_there() {
	[ "$(find index -type f ! -name '*.new' | wc -l)" = 2 ]
}

scenario() {
	mounted ",squash_to_uid=0,squash_to_gid=7"
	check_equal "a user of number 0 is told" "0 0" "$(told squash_to_uid) $(stat -c %u merged/d/file)"
	check_equal "and a group" "7 7" "$(told squash_to_gid) $(stat -c %g merged/d/file)"
	ended
	mounted ""
	check_equal "none that isn't given" "" "$(told squash_to_uid)$(told squash_to_gid)$(told max_read)"
	ended

	mounted ",layer_cache=$BASE/index"
	check_equal "no layer has a cache yet" "false false " "$(cached)"
	wait_until caches_are_there || echo "FAIL: no caches"
	ended
	mounted ",layer_cache=$BASE/index"
	check_equal "both have one" "true true " "$(cached)"
	put s/2/d/more "put there beneath the mount"
	ls merged/d >listed
	check_equal "one isn't used any more" "true false " "$(cached)"
	ended
}
