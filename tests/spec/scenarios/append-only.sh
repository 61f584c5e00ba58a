# SPDX-License-Identifier: Apache-2.0
# title: an append-only file takes data at its end, and nothing overwrites, cuts or replaces what it holds
# labels: quick
# may-diff: upper:.other\| a rename that the target refuses may have copied its source up already

layers() {
	put l1/log "log"
	put l1/other "other"
}

scenario() {
	try sc flags log +a
	try sc fd open:log:w,append write:more fsync
	try cat log
	"$SC" fd open:log:w pwrite:0:OVER fsync >/dev/null
	"$SC" fd open:log:rw,trunc >/dev/null
	check "a write in the middle changed nothing" test "$(cat log)" = "log
more"
	check "it can't be cut" sh -c "! truncate -s 1 log"
	try mv other log
	try rm -f log
	try ln log link
	try chmod 600 log
	remount
	try cat log
	try sc flags log -a
	try rm log
}
