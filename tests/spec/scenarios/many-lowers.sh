# SPDX-License-Identifier: Apache-2.0
# title: two hundred lower layers make one union
# not-mounted: yes

layers() {
	local i

	for i in $(seq 200); do put "m$i/f$i" "$i"; put "m$i/dir/d$i" "$i"; put "m$i/all" "$i"; done
}

scenario() {
	cd "$BASE"
	union "$BASE/merged" "lowerdir=$(seq 200 | sed 's/^/m/' | paste -sd:),upperdir=upper,workdir=work"
	try sh -c 'ls -A merged | wc -l; ls -A merged/dir | wc -l; cat merged/all merged/f200 merged/dir/d137'
	try sh -c 'echo more >>merged/dir/d200; rm merged/dir/d1 merged/f3; rm -r merged/dir; ls -A merged | wc -l'
	union_umount "$BASE/merged"
}
