# SPDX-License-Identifier: Apache-2.0
# fish completion for plyfs. The words come from the option table; a test compares them.
set -g __plyfs_words '
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
# The options whose value is a path.
set -g __plyfs_paths '
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

function __plyfs_options
    # Complete the last option of the comma-separated list, or its path.
    set -l token (string replace -r '^-o' '' -- (commandline -ct))
    set -l before (string replace -r '[^,]*$' '' -- $token)
    set -l last (string replace -r '^.*,' '' -- $token)
    set -l path (string match -r '^([^=]*=)((?:.*:)?)(.*)$' -- $last)
    if test (count $path) -eq 4; and contains -- $path[2] (string split \n -- $__plyfs_paths)
        for file in $path[4]*
            test -d $file; and set file $file/
            echo $before$path[2]$path[3]$file
        end
    else
        for word in (string split \n -- $__plyfs_words)
            string match -qr '^[a-z_]' -- $word; and echo $before$word
        end
    end
end

complete -c plyfs -x -a '(__fish_complete_directories)'
complete -c plyfs -s f -d 'Stay in the foreground'
complete -c plyfs -s d -d 'Debug, stay in the foreground'
complete -c plyfs -s o -x -a '(__plyfs_options)' -d 'Options'
complete -c plyfs -s h -l help -d 'Show help'
complete -c plyfs -s V -l version -d 'Show version and features'
