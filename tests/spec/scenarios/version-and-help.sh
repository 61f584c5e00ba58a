# SPDX-License-Identifier: Apache-2.0
# title: version and help go to stdout with status 0, and fuse-overlayfs's name changes the version
# labels: quick
# plyfs-only: plyfs's own command line
# not-mounted: yes

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
	rm -f help fuse-overlayfs
}
