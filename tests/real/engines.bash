# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests with container engines share, on top of lib.bash. Engines keep state in /run, /dev/shm, /var/lib/containers
# and /etc/containers: each is covered by an empty one in the private mount namespace, so that the machine's engines, their
# images and their settings have no part in it. Nothing is fetched: images are made of a root in the cache. It is sourced,
# never run.
#
#   engines_machine             covers those places and writes the settings; after real_image
#   engines_settings DIR        writes containers.conf, policy.json and registries.conf there
#   engines_driver NAME         what all engines use from now on, through storage.conf, and $STORE, where it keeps its things:
#                                 plyfs    the program under test
#                                 forced   the same, and owners and modes are kept in attributes (force_mask)
#                                 peer     the distribution's fuse-overlayfs
#                                 native   the kernel's overlayfs; a layer is what the upper holds
#                                 walked   the same, but a layer is what the engine finds when it compares two mounts, as
#                                          with a program
#   engines_end                 unmounts what the store has and waits for the daemons
#   engines_context             $CONTEXT, from which images are built: layers with every kind of change
#   engines_steps DRIVER STEP.. runs the functions steps_STEP with that driver; their results are files of $OUT,
#   out NAME COMMAND...         each the output of a command
#   same DRIVER DRIVER NAME     whether two drivers had the same result
#   layertar dump FILE          see there

layertar() { python3 "$REAL/layertar" "$@"; }

# The peer is asked for by its path: were plyfs found in its place, the comparison would compare plyfs with itself.
CONTEXT='' OUT='' DRIVER='' STORE='' STARTED=0
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
}

engines_driver() {
	local option
	DRIVER=$1 STORE=$FS/store-$1
	case $1 in
	plyfs) option="mount_program = \"$PLYFS\"" ;;
	forced) option="mount_program = \"$PLYFS\""$'\n''force_mask = "shared"' ;;
	peer) option="mount_program = \"$PEER\"" ;;
	walked) option='mountopt = "metacopy=on,index=on"' ;;
	native) option='mountopt = "index=on"' ;;
	*) echo "no driver $1"; return 1 ;;
	esac
	mkdir -p "$STORE" "$STORE-run"
	engines_storage "$STORE" "$STORE-run" "$option" >"$STORE.conf"
	chmod 644 "$STORE.conf"
	export CONTAINERS_STORAGE_CONF=$STORE.conf
}

# engines_storage DIR RUNDIR LINE: storage.conf with that line about the overlay driver.
engines_storage() {
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n[storage.options.overlay]\n%s\n' "$@"
}

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

# podman_rm ARGS...: it may find a container's /dev/shm busy for a moment after the container's end, with any driver. Then it
# has forgotten the container all the same.
podman_rm() {
	local try ignore=()
	for try in 1 2 3 4 5; do
		podman rm "${ignore[@]}" "$@" && return
		sleep "0.$try"
		[ "$1" = -a ] || ignore=(--ignore)
	done
	return 1
}

steps_end() { engines_end; }

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

# What each layer of the image does; also what the next does to it: the kinds of change that a layer can hold.
engines_context() {
	CONTEXT=$FS/context STARTED=$(date +%s)
	engines_root "$CONTEXT/root" setcap getcap setfattr getfattr setfacl
	cat >"$CONTEXT/root/layer1" <<-'END'
		set -e
		umask 022
		mkdir -p /data/many /data/deep/a/b/c /data/replaced/sub /data/renamed/sub /data/dir-to-file /srv/shared
		for i in $(seq 200); do echo "file $i" >/data/many/$i; done
		for i in one two three four five six seven eight; do echo $i >/data/$i; done
		echo a >/data/deep/a/file; echo b >/data/deep/a/b/file; echo c >/data/deep/a/b/c/file
		echo old >/data/replaced/old; echo old >/data/replaced/sub/old
		echo inner >/data/renamed/inner; echo inner >/data/renamed/sub/inner
		echo in >/data/dir-to-file/in
		seq 20000 >/data/long
		ln /data/one /data/one-too; ln /data/one /data/many/one-three
		ln -s one /data/link; ln -s /nowhere /data/dangling; ln -s many /data/link-to-dir
		mkfifo -m 640 /data/fifo
		mknod -m 600 /data/null c 1 3; mknod -m 660 /data/disk b 7 200
		cp /bin/busybox /data/tool; setcap cap_net_raw=+ep /data/tool
		cp /bin/busybox /data/setuid; chown 1:1 /data/setuid; chmod 4755 /data/setuid
		chmod 2775 /srv/shared; chown 0:1000 /srv/shared; mkdir /srv/shared/inherits; echo g >/srv/shared/file
		mkdir -m 1777 /data/sticky
		setfattr -n user.note -v "of layer 1" /data/two /data/many
		setfacl -m u:1000:rw /data/three
		setfacl -d -m g:1000:rwx /data/deep
		chown -R 1000:1000 /data/deep/a/b
		chown -h 1000:1000 /data/link
		touch "/data/with space" "/data/with\\backslash" /data/ünï "/data/$(seq -s _ 60)"
		truncate -s 3M /data/sparse; echo end >>/data/sparse
		touch -d '2001-02-03 04:05:06' /data/four /data/many/1
	END
	cat >"$CONTEXT/root/layer2" <<-'END'
		set -e
		rm /data/one /data/many/1 /data/fifo /data/null /data/dangling
		rm -r /data/replaced && mkdir /data/replaced && echo new >/data/replaced/new
		mv /data/renamed /data/moved
		mv /data/two /data/two-moved
		rm -r /data/dir-to-file && echo file >/data/dir-to-file
		rm /data/three && mkdir /data/three && echo in >/data/three/in
		echo more >>/data/long
		chmod 700 /data/four; chown 1000 /data/five; touch -d '2002-03-04 05:06:07' /data/six
		chmod 711 /data/deep; chown 5:6 /data/many
		setfattr -n user.note -v "of layer 2" /data/many; setfattr -n user.other -v x /data/seven
		setcap cap_net_bind_service=+ep /data/tool
		ln /data/eight /data/eight-too; ln /data/eight /srv/shared/eight
		rm /data/link && ln -s two-moved /data/link
		rm -r /usr/share/zoneinfo/Asia && mkdir /usr/share/zoneinfo/Asia && echo new >/usr/share/zoneinfo/Asia/New
		rm -r /usr/share/zoneinfo/right /usr/share/zoneinfo/posix
	END
	cat >"$CONTEXT/root/layer3" <<-'END'
		set -e
		rm /data/replaced/new && echo old >/data/replaced/old
		rm -r /data/three && echo again >/data/three
		echo one >/data/one; mkfifo /data/fifo
		rm -r /data/moved/sub && mkdir -p /data/moved/sub/sub && echo x >/data/moved/sub/sub/x
		rm /data/eight-too
		mv /data/deep/a/b /data/b && rm -r /data/deep && mkdir /data/deep
		rm /usr/share/zoneinfo/Asia/New
		sed -i s/root/ROOT/ /etc/group
		rm -r /srv/shared/inherits
	END
	cat >"$CONTEXT/root/change" <<-'END'
		set -e
		rm /data/two-moved /data/many/2; rm -r /data/moved && mkdir /data/moved
		echo new >/new; mkdir -p /made/dir; echo more >>/data/one-too
		mv /data/b /made/b; chmod 600 /data/eight; ln /made/b/file /made/hard
		rm -r /usr/share/zoneinfo/Europe; cp /data/tool /made/tool
		setcap cap_chown=+ep /made/tool; echo x >/data/tool
		setfattr -x user.note /data/many
		mknod -m 640 /made/zero c 1 5
		touch -d '2003-04-05 06:07:08' /data/seven
	END
	chmod 755 "$CONTEXT/root"/{layer?,change}
	find "$CONTEXT/root"/{layer?,change} -exec touch -d 2015-06-07T08:09:10 {} +
	mkdir "$CONTEXT/added"
	echo added >"$CONTEXT/added/file"
	touch -d '2004-05-06 07:08:09' "$CONTEXT/added/file" "$CONTEXT/added"
	cat >"$CONTEXT/Containerfile" <<-'END'
		FROM scratch
		COPY root /
		RUN sh /layer1
		RUN sh /layer2
		COPY --chown=1000:1000 added /data/moved/added
		RUN sh /layer3
	END
}

# out NAME COMMAND...: its output is a result. A command that fails ends the steps.
out() {
	local name=$1
	shift
	"$@" >"$OUT/$name" 2>"$OUT/err" || { echo "$DRIVER: $*: status $?"; tail -n 5 "$OUT/err" "$OUT/$name"; return 1; }
}

tree_of_image() {
	local point
	point=$(podman image mount "$1") || return
	treecmp dump --since "$STARTED" --exclude '^(etc/(hosts|resolv.conf|hostname)|run/\.containerenv)$' "$point" && podman image unmount "$1" >&2
}

sorted() { "$@" | LC_ALL=C sort; }

# In the container: everything that can be told of a tree by its programs.
# shellcheck disable=SC2034 # for the tests
LOOK='cd /; find . -xdev ! -path "./proc/*" ! -path "./sys/*" ! -path "./dev/*" ! -path "./etc/host*" | sort | while read -r f; do
	[ -d "$f" ] && s= || s=" %s %h"
	stat -c "%n %F %a %u:%g %t:%T$s" "$f"
	getfattr -d -h -m user "$f"
done; getcap -r /data /made 2>/dev/null | sort; id'

# Runs all steps with one driver; where a step fails the later ones aren't tried.
engines_steps() {
	local step
	engines_driver "$1" || return
	OUT=$DIR/out-$1
	mkdir -p "$OUT"
	shift
	for step in "$@"; do
		"steps_$step" || { echo "$DRIVER: steps_$step failed"; return 1; }
		note "$DRIVER: $step"
	done
}

same_files() {
	[ -s "$2" ] && diff -U0 "$1" "$2" >"$DIR/difference" && return
	sed -n '3,$p' "$DIR/difference"
	return 1
}

same() { same_files "$DIR/out-$1/$3" "$DIR/out-$2/$3"; }
