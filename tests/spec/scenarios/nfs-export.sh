# SPDX-License-Identifier: Apache-2.0
# title: a union isn't exported by NFS, and says so when it is asked to be
# labels: quick
# not-mounted: yes
# expect-diff: ^observations:.nfs_export=on handles that outlive what the kernel has forgotten can't be given

layers() {
	put l1/a x
	mkdir up wk
}

scenario() {
	local b=$BASE value

	for value in off on; do
		if union "$b/merged" "lowerdir=$b/l1,upperdir=$b/up,workdir=$b/wk,index=on,nfs_export=$value" 2>said; then
			echo "nfs_export=$value: mounted"
			union_umount "$b/merged" || echo "FAIL: unmount"
		else
			echo "nfs_export=$value: $(sed 's/^plyfs: //' said)"
		fi
	done
}
