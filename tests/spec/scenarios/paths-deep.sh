# SPDX-License-Identifier: Apache-2.0
# title: trees deeper than PATH_MAX are made, read, changed, listed and removed
# timeout: 120

layers() {
	(cd l1 && "$SC" deep make "$(printf '%0200d' 1)" 40 >/dev/null)
	(cd l1 && "$SC" deep make n 500 >/dev/null)
}

scenario() {
	local low up

	low=$(printf '%0200d' 1) up=$(printf '%0200d' 2)
	try sc deep make "$up" 40
	try sc deep read "$up" 40
	try sc deep read "$low" 40
	try sc deep read n 500
	try sc deep remove "$up" 40
	try sh -c 'find . | wc -l'
	try rm -rf "$low"
	try ls -A
}
