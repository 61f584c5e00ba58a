# SPDX-License-Identifier: Apache-2.0
# title: with layer_cache a union shows what it shows without, also after a change of a layer
# labels: quick
# plyfs-only: about plyfs's own option
# not-mounted: yes
# timeout: 240

STACK=s/1:s/2:s/3:s/4
ON=",redirect_dir=on,metacopy=on"

# The layers change in the course of the scenario, so they aren't what the harness takes for layers.
layers() {
	local i

	mkdir -p m n index s/{1,2,3,4}
	for i in 1 2 3 4; do
		mkdir -p s/$i/etc/deep/er/still s/$i/opaque s/$i/only"$i" s/$i/xwhite
		put s/$i/etc/common "of $i"
		put s/$i/etc/deep/er/f"$i" "deep $i"
		put s/$i/opaque/o"$i" "$i"
		put s/$i/only"$i"/file "$i"
		put s/$i/xwhite/x"$i" "$i"
		seq -f s/$i/etc/deep/er/still/n-%g-$i 50 | xargs touch
	done
	opaque s/2/opaque
	whiteout s/1/etc/gone
	put s/2/etc/gone 2
	whiteout s/2/etc/hidden-dir
	put s/3/etc/hidden-dir/x 3
	whiteout s/4/nothing-below
	mkdir s/1/moved
	put s/1/moved/new 1
	setfattr -n trusted.overlay.redirect -v /only3 s/1/moved
	mkdir s/2/renamed
	setfattr -n trusted.overlay.redirect -v only4 s/2/renamed
	put s/3/data "the data"
	metacopy s/1/data 9
	chmod 600 s/1/data
	metacopy s/2/elsewhere 7 /etc/deep/er/f3
	setfattr -n trusted.overlay.opaque -v x s/2/xwhite
	: >s/2/xwhite/x3
	setfattr -n trusted.overlay.whiteout -v y s/2/xwhite/x3
	: >s/2/xwhite/x4
	put s/2/linked 2
	ln s/2/linked s/2/etc/linked-too
	ln -s etc/common s/3/link
	ln -s etc s/4/only1
	mkfifo s/3/fifo
	mknod s/3/null c 1 3
	mkdir -p s/3/"$(printf '%0255d' 0)"
	put s/3/"$(printf '%0255d' 0)"/"$(printf '%0255d' 1)" long
	put s/1/file-over-dir 1
	put s/2/file-over-dir/x 2
	mkdir s/1/dir-over-file
	put s/2/dir-over-file 2
	put s/3/dir-over-file/below 3
	setfattr -n user.color -v blue s/3/only3/file
	mkdir -m 700 s/2/private
	put s/2/private/x 2
	mkdir s/4/"odd
name" s/4/.wh.odd
}

# walk MOUNTPOINT: everything that can be seen, by listing and by lookup.
walk() {
	(cd "$1" && find . -printf '%p %y %i\n' | sort && find . -printf '%p %y %i %#m %U %G %n %s %T@ %C@ %l\n' | sort &&
		getfattr -hRd -m - . 2>/dev/null | sort && find . -type f -exec cksum {} + | sort &&
		stat -c '%n %i' etc/absent etc/gone only1/file opaque/o4 nothing-below moved/file renamed/file xwhite/x3 2>&1 | sort)
}

# walks OPTIONS: what a fresh mount shows, over read-only layers and below an upper.
walks() {
	mount_plyfs "$BASE/m" "lowerdir=$STACK$ON$1" && walk m && union_umount "$BASE/m"
	mount_plyfs "$BASE/m" "lowerdir=$STACK,upperdir=upper,workdir=work$ON$1" && walk m && union_umount "$BASE/m"
}

caches() { find index -type f ! -name '*.new' | wc -l; }

all_there() { [ "$(caches)" = 4 ]; }

# make_caches: by a mount that lasts until they are all there.
make_caches() {
	mount_plyfs "$BASE/m" "lowerdir=$STACK$ON,layer_cache=index" || return
	wait_until all_there
	union_umount "$BASE/m"
	all_there
}

# same CLAIM: with and without, and a second time with what is left of the caches.
same() {
	walks "" >plain 2>&1
	walks ,layer_cache=index >with 2>&1
	check "$1" cmp plain with || { diff plain with | head -20; }
	walks ,index_cache=index >again 2>&1
	check "$1, once more, by the option's other name" cmp plain again
}

# changed CLAIM COMMAND...: of the layers, when all have a cache.
changed() {
	local claim=$1
	shift
	check "caches are made before: $claim" make_caches
	"$@" || echo "FAIL: $*"
	same "$claim"
}

add_deep() { put s/3/etc/deep/er/still/added 1; }
remove_deep() { rm s/2/etc/deep/er/still/n-7-2; }
replace_file() { put tmp 7; mv tmp s/1/etc/common; }
same_name_again() { rm s/4/only4/file; mkdir s/4/only4/file; }
rewrite() { echo longer text than before >s/2/etc/deep/er/f2; }
rewrite_quietly() { touch -r s/3/only3/file ref; echo 9 >s/3/only3/file; touch -r ref s/3/only3/file; }
chmod_file() { chmod 4711 s/1/etc/common; chown 5:6 s/2/linked; }
chmod_dir() { chmod 711 s/1/etc/deep; }
rename_dir() { mv s/2/etc/deep/er s/2/etc/deep/re; }
rename_top() { mv s/3/only3 s/3/onlyx; }
swap_dirs() { mv s/1/etc s/1/t; mv s/1/only1 s/1/etc; mv s/1/t s/1/only1; }
make_opaque() { setfattr -n trusted.overlay.opaque -v y s/1/etc/deep; }
unmake_opaque() { setfattr -x trusted.overlay.opaque s/2/opaque; }
redirect() { setfattr -n trusted.overlay.redirect -v opaque s/2/renamed; }
make_metacopy() { truncate -s 7 s/1/etc/common; setfattr -n trusted.overlay.metacopy s/1/etc/common; }
unmake_whiteout() { setfattr -x trusted.overlay.whiteout s/2/xwhite/x3; }
make_xwhiteout() { setfattr -n trusted.overlay.whiteout -v y s/2/xwhite/x4; }
make_whiteout() { whiteout s/1/etc/deep/er/f3; }
remove_whiteout() { rm s/1/etc/gone; }
another_link() { ln s/2/linked s/3/../2/only2/third; }
unlink_one() { rm s/2/etc/linked-too; }
user_attribute() { setfattr -n user.size -v big s/3/etc/common; }
old_times() { touch -d '2001-01-01' s/3/etc s/3/etc/deep/er s/3/etc/common; }
all_anew() { rm -rf s/4; cp -a s/3 s/4; }
nothing() { :; }

scenario() {
	check "a layer has no cache before it was asked for" [ "$(caches)" = 0 ]
	same "without a cache yet"
	changed "nothing changed" nothing
	check "the caches are kept" [ "$(caches)" = 4 ]
	changed "a name is added deep below" add_deep
	changed "a name is removed deep below" remove_deep
	changed "a file is replaced" replace_file
	changed "a name gets another type" same_name_again
	changed "a file is written in place" rewrite
	changed "a file is written in place and its time put back" rewrite_quietly
	changed "mode and owner of files" chmod_file
	changed "mode of a directory" chmod_dir
	changed "a directory is renamed" rename_dir
	changed "a directory of the root is renamed" rename_top
	changed "a directory becomes opaque" make_opaque
	changed "a directory ceases to be opaque" unmake_opaque
	changed "a directory is redirected" redirect
	changed "a file loses its data" make_metacopy
	changed "a file ceases to be a whiteout" unmake_whiteout
	changed "a file becomes a whiteout" make_xwhiteout
	changed "a whiteout comes" make_whiteout
	changed "a whiteout goes" remove_whiteout
	changed "a file gets another link" another_link
	changed "a file loses a link" unlink_one
	changed "a file gets an attribute" user_attribute
	changed "times are set back" old_times
	changed "two directories change places" swap_dirs
	changed "a layer is made anew" all_anew
}
