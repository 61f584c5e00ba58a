# SPDX-License-Identifier: Apache-2.0
# title: version and help go to stdout with status 0, and fuse-overlayfs's name changes the version
# labels: quick
# plyfs-only: plyfs's own command line
# not-mounted: yes

# Status and last line of a command that can't print.
failing() {
	local status=0

	"$@" >/dev/full 2>failing.err || status=$?
	echo "$status $(tail -n 1 failing.err)"
}

scenario() {
	check "--version" sh -c '"$PLYFS" --version 2>/dev/null | grep -q -E "plyfs.* [0-9]+\.[0-9]+"'
	check "-V" sh -c '"$PLYFS" -V >/dev/null 2>&1'
	check "--version is status 0" sh -c '"$PLYFS" --version >/dev/null 2>&1'
	check "--help is status 0" sh -c '"$PLYFS" --help >help 2>/dev/null'
	local option
	for option in lowerdir upperdir workdir uidmapping gidmapping squash_to_root timeout volatile redirect_dir pidfile; do
		check "--help names $option" grep -q -w "$option" help
	done
	ln -s "$PLYFS" fuse-overlayfs
	check_equal "as fuse-overlayfs" "fuse-overlayfs: version 1.16" "$(./fuse-overlayfs --version 2>/dev/null)"
	check_equal "no room for the version" "1 plyfs: standard output: No space left on device" "$(failing ./fuse-overlayfs --version)"
	check_equal "nor for it under plyfs's name" "1 plyfs: standard output: No space left on device" "$(failing "$PLYFS" --version)"
	check_equal "nor for the help" "1 plyfs: standard output: No space left on device" "$(failing "$PLYFS" --help)"
	rm -f help fuse-overlayfs failing.err
}
