# SPDX-License-Identifier: Apache-2.0
# title: it mounts at a mountpoint of autofs, which lets only the process group in that it has asked
# labels: quick
# plyfs-only: the daemon's life
# needs: python3
# not-mounted: yes

layers() {
	put l1/x content
}

# asked COMMAND...: is autofs's daemon for merged; runs the command when somebody comes, and says what its status was.
asked() {
	timeout -k 1 40 python3 -c '
import ctypes, fcntl, os, struct, subprocess, sys
READY, FAIL, CATATONIC = 0x9360, 0x9361, 0x9362
os.setpgrp()
point = sys.argv[1]
out, into = os.pipe()
options = "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct" % (into, os.getpgrp())
if ctypes.CDLL(None).mount(b"spec", point.encode(), b"autofs", 0, options.encode()):
    sys.exit("no autofs")
os.close(into)
autofs = os.open(point, os.O_RDONLY)
comer = subprocess.Popen(["setsid", "cat", point + "/x"], stdout=subprocess.PIPE, text=True)
token = struct.unpack_from("iiI", os.read(out, 4096))[2]
mount = subprocess.Popen(sys.argv[2:])
try:
    status = mount.wait(5)
except subprocess.TimeoutExpired:
    status = "it hangs"
fcntl.ioctl(autofs, FAIL if status else READY, token)
print(status, comer.communicate()[0])
fcntl.ioctl(autofs, CATATONIC, 0)
' "$BASE/merged" "$@"
}

# by CLAIM OPTIONS
by() {
	local daemon

	check_equal "$1: who comes there sees the layers" "0 content" \
		"$(asked "$PLYFS" -o "lowerdir=$BASE/l1,pidfile=$BASE/pid$2" "$BASE/merged")"
	mount_minor "$BASE/merged" >>"$MINORS"
	daemon=$(cat pid)
	check "$1: unmounted" umount "$BASE/merged"
	check "$1: autofs goes" umount "$BASE/merged"
	check "$1: the daemon leaves" wait_gone "$daemon" 10
}

scenario() {
	grep -qw autofs /proc/filesystems || unsupported "the kernel has no autofs"
	by "layers alone" ""
	by "with an upper" ",upperdir=$BASE/upper,workdir=$BASE/work"
	by "to be read" ",ro,upperdir=$BASE/upper,workdir=$BASE/work"
	by "with more flags" ",nosymfollow,strictatime"
}
