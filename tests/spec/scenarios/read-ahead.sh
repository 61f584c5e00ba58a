# SPDX-License-Identifier: Apache-2.0
# title: the kernel reads ahead as far as max_readahead says, 1 MiB by default
# plyfs-only: about plyfs's daemon
# not-mounted: yes

layers() {
	put l1/file 1
	mkdir -p m
}

# read_ahead OPTIONS: what is set for the mount, in KiB. A listing is answered after what follows the start.
read_ahead() {
	local dev

	mount_plyfs "$BASE/m" "lowerdir=l1,upperdir=upper,workdir=work$1" || { echo "FAIL: mount"; return; }
	ls "$BASE/m" >/dev/null
	dev=$(awk -v m="$(realpath "$BASE/m")" '$5 == m { print $3 }' /proc/self/mountinfo)
	cat "/sys/class/bdi/$dev/read_ahead_kb"
	union_umount "$BASE/m" >&2
}

scenario() {
	check "1 MiB by default" [ "$(read_ahead "")" = 1024 ]
	check "what max_readahead says" [ "$(read_ahead ,max_readahead=524288)" = 512 ]
	check "less too" [ "$(read_ahead ,max_readahead=65536)" = 64 ]
}
