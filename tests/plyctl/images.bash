# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Images that podman and buildah have built, for tests of plyctl. ctest's fixture `images` builds them once (images-build); a test that says
# FIXTURES_REQUIRED images gets the file of its file system as the last argument. It is sourced after lib.bash, never run.
#
#   images_mount FILE     mounts a copy of it, and covers the places where engines keep state. Needs a mount namespace of its own.
#                         podman, buildah and plyctl find the images by name then: the store is where root's engines have theirs.
#   $IMAGES               the names: many (every kind of change), squashed, hundred (of 100 layers)
#   $FORMS                a folder with the same images in other forms:
#                           layout/             an OCI layout with all, by tag
#                           NAME.oci.tar        oci-archive
#                           NAME.docker.tar     docker-archive, and many.docker.tar.gz
#                           unpacked/NAME/N     the layers as GNU tar unpacks them, 0 is the lowest; whiteouts are those of the archive
#   images_container      starts the container `runs` of many, which has changed things and goes on, and leaves the one that has ended,
#                         `ended`; images_end stops it

# lib.bash has a `same` too.
own_same=$(declare -f same || :)
# shellcheck source=tests/real/engines.bash
. "$HERE/../real/engines.bash"
eval "$own_same"
# shellcheck disable=SC2034 # for the tests
IMAGES=(many squashed hundred)
# shellcheck disable=SC2034
FORMS=/var/lib/containers/forms

images_needs() {
	local need
	for need in podman buildah skopeo runc busybox jq python3 mkfs.ext4 setcap setfattr setfacl; do
		command -v "$need" >/dev/null || skip "$need isn't installed"
	done
}

# images_machine: the engines' places, empty, and their settings.
images_machine() {
	local place
	for place in /run /dev/shm /etc/containers; do
		mkdir -p "$place"
		mount -t tmpfs -o mode=755 tmpfs "$place"
	done
	chmod 1777 /dev/shm
	mkdir -p /run/lock /var/lib/containers
	engines_settings /etc/containers
	printf '[storage]\ndriver = "overlay"\ngraphroot = "/var/lib/containers/storage"\nrunroot = "/run/containers/storage"\n' \
		>/etc/containers/storage.conf
	export TMPDIR=/var/tmp CONTAINERS_CONF=/etc/containers/containers.conf
}

images_mount() {
	images_needs
	images_machine
	cp --sparse=always "$1" "$DIR/images" && mount -o loop,noatime "$DIR/images" /var/lib/containers || exit 1
}

images_container() {
	podman run -q -d --name runs many sleep 1000 >/dev/null
	podman exec runs sh -c 'rm -r /data/many; echo x >/data/long; rm -r /data/moved; mkdir /data/moved; echo y >/data/moved/y'
}

images_end() {
	podman kill -a >/dev/null 2>&1 || :
	umount -l /var/lib/containers
}
