# SPDX-License-Identifier: Apache-2.0
# title: an unknown option, a bad value and a missing partner are refused by name
# labels: quick
# plyfs-only: the form of plyfs's own messages
# not-mounted: yes

layers() {
	put l1/x 1
}

scenario() {
	local l=$BASE/l1 u=$BASE/upper w=$BASE/work m=$BASE/merged all

	all=lowerdir=$l,upperdir=$u,workdir=$w
	refuse "unknown option" "nosuchoption: .+" "$all,nosuchoption" "$m"
	refuse "unknown option with a value" "nosuchoption: .+" "$all,nosuchoption=5" "$m"
	refuse "uid map" "uidmapping: .+" "$all,uidmapping=0:x:1" "$m"
	refuse "uid map of two fields" "uidmapping: .+" "$all,uidmapping=0:1" "$m"
	refuse "gid map" "gidmapping: .+" "$all,gidmapping=0:0:-1" "$m"
	refuse "timeout" "timeout: .+" "$all,timeout=soon" "$m"
	refuse "redirect_dir" "redirect_dir: .+" "$all,redirect_dir=perhaps" "$m"
	refuse "upper without work" "(workdir|upperdir): .+" "lowerdir=$l,upperdir=$u" "$m"
	refuse "empty lower" "lowerdir: .+" "lowerdir=,upperdir=$u,workdir=$w" "$m"
}
