# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests without root share: an ordinary user who is there in the private mount namespace alone, with a range of
# subordinate ids, and who may open /dev/fuse. It is sourced after lib.bash, never run.
#
#   rootless_user           makes the user; after real_image. The checkout may lie where he can't go, so $PLYFS is from now on a copy
#   as_user COMMAND...      runs it as the user, with $USER_ENVIRONMENT and without any privilege

ID=54321
# shellcheck disable=SC2034 # for the tests
HOME_DIR=''
USER_ENVIRONMENT=()

as_user() {
	setpriv --reuid "$ID" --regid "$ID" --init-groups --inh-caps=-all \
		env -i -C / PATH="$PATH" HOME="$HOME_DIR" USER=plyfs-test LC_ALL=C.UTF-8 TZ=UTC \
		${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} "${USER_ENVIRONMENT[@]}" "$@"
}

# Without CAP_SETUID over a range, the ids have to come from /etc/subuid by newuidmap.
own_subids() {
	local file
	for file in passwd group subuid subgid; do
		cp "/etc/$file" "$DIR/$file" 2>/dev/null || : >"$DIR/$file"
	done
	echo "plyfs-test:x:$ID:$ID::$HOME_DIR:/bin/sh" >>"$DIR/passwd"
	echo "plyfs-test:x:$ID:" >>"$DIR/group"
	echo "plyfs-test:700000:65536" >>"$DIR/subuid"
	echo "plyfs-test:700000:65536" >>"$DIR/subgid"
	for file in passwd group subuid subgid; do
		chmod 644 "$DIR/$file"
		[ -e "/etc/$file" ] || : >"/etc/$file"
		mount --bind "$DIR/$file" "/etc/$file"
	done
}

rootless_user() {
	HOME_DIR=$FS/home
	chmod 755 "$DIR" "$FS"
	mkdir "$HOME_DIR"
	own_subids
	chown "$ID:$ID" "$HOME_DIR"
	install -m 755 "$PLYFS" "$DIR/plyfs"
	PLYFS=$DIR/plyfs
	fuse_for_all "$DIR/dev"
	as_user unshare -Urm true >/dev/null || skip "ordinary users may have no user namespaces here"
}
