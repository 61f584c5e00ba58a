# SPDX-License-Identifier: Apache-2.0
# title: a daemon started without descriptors 0, 1 and 2 keeps its layers apart from them
# labels: quick
# plyfs-only: the daemon's life
# not-mounted: yes

layers() {
	put l1/file lower
	mkdir m
}

mount_closed() {
	timeout -k 1 15 "$PLYFS" -o "lowerdir=$BASE/l1,upperdir=$BASE/upper,workdir=$BASE/work,pidfile=$BASE/m.pid" "$BASE/m" "$@"
}

serves() {
	local daemon
	check_equal "$1: mounted with status 0" 0 "$2"
	daemon=$(cat m.pid)
	check_equal "$1: reads" lower "$(timeout 5 cat m/file)"
	check "$1: writes" timeout 5 sh -c 'echo new >m/new && echo more >>m/file'
	check_equal "$1: nothing but /dev/null at 0, 1 and 2" "/dev/null /dev/null /dev/null" \
		"$(readlink "/proc/$daemon/fd/0" "/proc/$daemon/fd/1" "/proc/$daemon/fd/2" | tr '\n' ' ' | sed 's/ $//')"
	check "$1: unmounts" union_umount "$BASE/m"
	rm -f upper/*
}

scenario() {
	mount_closed 0<&- 1>&- 2>&-
	serves "all closed" $?
	mount_closed 0<&-
	serves "stdin closed" $?
	mount_closed 2>&-
	serves "stderr closed" $?
}
