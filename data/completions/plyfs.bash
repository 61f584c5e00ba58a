# SPDX-License-Identifier: Apache-2.0
# bash completion for plyfs. The words come from the option table; a test compares them.
_plyfs_words='
# begin options words
lowerdir=
lowerdir+=
datadir+=
upperdir=
workdir=
userxattr
whiteouts=overlay
whiteouts=aufs
whiteouts=both
redirect_dir=off
redirect_dir=nofollow
redirect_dir=follow
redirect_dir=on
metacopy=off
metacopy=on
index=off
index=on
nfs_export=off
verity=off
uuid=auto
uuid=on
uuid=off
uuid=null
xino=off
xino=auto
xino=on
volatile
fsync=auto
fsync=strict
fsync=volatile
fsync=1
fsync=0
copyup=write
copyup=open
data=auto
data=cached
data=passthrough
writeback
timeout=
layer_cache=
index_cache=
cache_max=
noacl
noxattrs
static_nlink
ino32_t
fast_ino
uidmapping=
gidmapping=
squash_to_root
squash_to_uid=
squash_to_gid=
xattr_permissions=0
xattr_permissions=1
xattr_permissions=2
log=
pidfile=
lock=
control_socket=
debug
io_uring
low_latency=on
low_latency=off
low_latency=auto
cgroup=
threaded
private
plugins=
allow_other
allow_root
default_permissions
auto_unmount
fsname=
subtype=
max_read=
max_write=
max_readahead=
max_background=
clone_fd
max_idle_threads=
max_threads=
context=
fscontext=
defcontext=
rootcontext=
ro
rw
suid
nosuid
dev
nodev
exec
noexec
async
sync
dirsync
atime
noatime
diratime
nodiratime
relatime
norelatime
strictatime
nostrictatime
lazytime
nolazytime
symfollow
nosymfollow
mand
nomand
iversion
noiversion
silent
loud
defaults
auto
noauto
nofail
_netdev
user
nouser
users
nousers
owner
noowner
group
nogroup
uhelper=
helper=
comment
# end options words
'
_plyfs_words=${_plyfs_words#*words$'\n'}
_plyfs_words=${_plyfs_words%$'\n#'*}
# The options whose value is a path.
_plyfs_paths='
# begin options paths
lowerdir=
lowerdir+=
datadir+=
upperdir=
workdir=
layer_cache=
index_cache=
log=
pidfile=
lock=
control_socket=
cgroup=
# end options paths
'

_plyfs_option() {
	# The word after -o: complete the last option of the comma-separated list, or its path.
	local before='' last=$1 word

	if [[ $1 == *,* ]]; then
		before=${1%,*},
		last=${1##*,}
	fi
	if [[ $last == *=* && $_plyfs_paths == *$'\n'"${last%%=*}="$'\n'* ]]; then
		local head=${last%%=*}= path=${last#*=}
		if [[ $head == lowerdir= && $path == *:* ]]; then
			head+=${path%:*}:
			path=${path##*:}
		fi
		while IFS= read -r word; do
			COMPREPLY+=("$before$head$word")
		done < <(compgen -f -- "$path")
	else
		while IFS= read -r word; do
			COMPREPLY+=("$before$word")
		done < <(compgen -W "$_plyfs_words" -- "$last")
	fi
	compopt -o nospace 2>/dev/null
}

_plyfs() {
	local current=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}

	COMPREPLY=()
	# "=" and ":" break words in bash: take the whole word from the line.
	local whole=${line##* }
	if [[ $line =~ [[:space:]]-o[[:space:]]+([^[:space:]]*)$ ]]; then
		whole=${BASH_REMATCH[1]}
		_plyfs_option "$whole"
		# What readline already has to the left of the current word must not come again.
		local left=${whole%"$current"} i
		for i in "${!COMPREPLY[@]}"; do
			COMPREPLY[i]=${COMPREPLY[i]#"$left"}
		done
		return
	fi
	if [[ $current == -* ]]; then
		while IFS= read -r whole; do
			COMPREPLY+=("$whole")
		done < <(compgen -W '-f -d -o -h --help -V --version --debug' -- "$current")
		return
	fi
	while IFS= read -r whole; do
		COMPREPLY+=("$whole")
	done < <(compgen -d -- "$current")
	compopt -o filenames 2>/dev/null
}

complete -F _plyfs plyfs
