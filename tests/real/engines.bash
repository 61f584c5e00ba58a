# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests with container engines share, on top of lib.bash. Engines keep state in /run, /dev/shm, /var/lib/containers
# and /etc/containers: each is covered by an empty one in the private mount namespace, so that the machine's engines, their
# images and their settings have no part in it. Nothing is fetched: images are made of a root in the cache. It is sourced,
# never run.
#
#   engines_machine             covers those places and writes the settings; after real_image
#   engines_settings DIR        writes containers.conf, policy.json, registries.conf and storage.conf there
#   engines_driver NAME         what $DRIVER_OPTIONS are from now on (an array, for podman and buildah), and $STORE:
#                                 plyfs    the program under test
#                                 peer     the distribution's fuse-overlayfs
#                                 native   the kernel's overlayfs
#                                 walked   the same, but with the engine's comparison of two mounts that it makes with a
#                                          program too, instead of reading the upper
#   pod ARGS..., bud ARGS...    podman and buildah with that storage
#   engines_end                 unmounts what the store has and waits for the daemons
#   layertar dump FILE          see there
#   wait_no_daemon DIR SECONDS  no process is left that has DIR's layers open as a plyfs or fuse-overlayfs

layertar() { python3 "$REAL/layertar" "$@"; }

# The peer is asked for by its path: were plyfs found in its place, the comparison would compare plyfs with itself.
PEER=${PLYFS_TEST_PEER:-/usr/bin/fuse-overlayfs}

engines_settings() {
	local dir=$1
	mkdir -p "$dir"
	cat >"$dir/containers.conf" <<-END
		[containers]
		default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
		netns = "none"
		log_driver = "k8s-file"
		[engine]
		runtime = "runc"
		cgroup_manager = "cgroupfs"
		events_logger = "none"
	END
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$dir/policy.json"
	: >"$dir/registries.conf"
	printf '[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' >"$dir/storage.conf"
	chmod -R a+rX "$dir"
}

engines_machine() {
	local place
	for place in /run /dev/shm /var/lib/containers /etc/containers; do
		mkdir -p "$place"
		mount -t tmpfs -o mode=755 tmpfs "$place"
	done
	chmod 1777 /dev/shm
	mkdir -p /run/lock "$FS/tmp"
	engines_settings /etc/containers
	export TMPDIR=$FS/tmp CONTAINERS_CONF=/etc/containers/containers.conf
	export CONTAINERS_STORAGE_CONF=/etc/containers/storage.conf
}

engines_driver() {
	DRIVER=$1 STORE=$FS/store-$1
	DRIVER_OPTIONS=(--root "$STORE" --runroot "$STORE-run" --storage-driver overlay)
	case $1 in
	plyfs) DRIVER_OPTIONS+=(--storage-opt "overlay.mount_program=$PLYFS") ;;
	peer) DRIVER_OPTIONS+=(--storage-opt "overlay.mount_program=$PEER") ;;
	walked) DRIVER_OPTIONS+=(--storage-opt overlay.mountopt=metacopy=on,index=on) ;;
	native) ;;
	*) echo "no driver $1"; return 1 ;;
	esac
	mkdir -p "$STORE" "$STORE-run"
}

pod() { podman "${DRIVER_OPTIONS[@]}" "$@"; }
bud() { buildah "${DRIVER_OPTIONS[@]}" "$@"; }

# mounts_below DIR: the mountpoints there, the innermost first.
mounts_below() { awk -v dir="$1/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r; }

# daemons_of DIR: the processes of programs that were told to mount something of it.
daemons_of() {
	local process
	for process in /proc/[0-9]*; do
		{ tr '\0' '\n' <"$process/cmdline"; } 2>/dev/null | grep -q -- "^lowerdir=.*$1/" && echo "${process#/proc/}"
	done
	return 0
}

wait_no_daemon() {
	local tries=$(($2 * 20))
	while [ -n "$(daemons_of "$1")" ]; do
		[ $((tries -= 1)) -gt 0 ] || { echo "daemons stay: $(daemons_of "$1" | tr '\n' ' ')"; return 1; }
		sleep 0.05
	done
}

# The engine itself keeps a bind mount of its storage's directory on itself.
engines_end() {
	local point
	wait_no_daemon "$STORE" 20 || return
	mounts_below "$FS" | while read -r point; do
		case $point in
		"$STORE/overlay") umount "$point" ;;
		"$STORE"/*) echo "still mounted: $point"; return 1 ;;
		esac
	done
}

# engines_root DIR PROGRAM...: a small root of this machine's distribution: busybox and those programs with their libraries,
# and its time zones, which are many small files, hard links and symbolic links. All times are in the past.
engines_root() {
	local root=$1 program file
	shift
	mkdir -p "$root"/{bin,etc,tmp,proc,sys,dev,root,run,usr/bin,usr/share,var/log}
	chmod 1777 "$root/tmp"
	chmod 700 "$root/root"
	cp "$(command -v busybox)" "$root/bin/busybox"
	chroot "$root" /bin/busybox --install -s /bin
	for program in "$@"; do
		cp "$(command -v "$program")" "$root/usr/bin/"
		ldd "$(command -v "$program")" | grep -o '/[^ ]*' | while read -r file; do
			mkdir -p "$root$(dirname "$file")"
			cp -L "$file" "$root$file"
		done
	done
	cp -a /usr/share/zoneinfo "$root/usr/share/"
	printf 'root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\ndaemon:x:1:\nuser:x:1000:\n' >"$root/etc/group"
	find "$root" -exec touch -h -d 2015-06-07T08:09:10 {} +
}
