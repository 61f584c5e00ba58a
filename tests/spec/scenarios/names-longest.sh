# SPDX-License-Identifier: Apache-2.0
# title: names of 255 bytes work in every layer and call, and of 256 are refused
# labels: quick

layers() {
	local n

	n=$(printf '%0255d' 0)
	put "l1/$n" low
	mkdir "l1/d${n#0}"
	put "l1/d${n#0}/w${n#0}" "inside"
}

scenario() {
	local n m

	n=$(printf '%0255d' 0)
	m=${n#0}
	try cat "$n"
	try sh -c "echo more >>$n; cat $n"
	try mv "$n" "m$m"
	try mkdir "x$m"
	try ln -s "$n" "l$m"
	try sc mknod "p$m" fifo 644
	try ln "m$m" "h$m"
	try rm "d$m/w$m"
	try sh -c "echo again >d$m/w$m"
	try rm -r "d$m"
	try mkdir "d$m"
	try touch "y$n"
	try mkdir "y$n"
	try mv "m$m" "y$n"
	try cat "y$n"
	try ls -A
}
