# SPDX-License-Identifier: Apache-2.0
# title: statx tells a birth time for files of the lower and of the upper

layers() {
	put l1/low 1
}

scenario() {
	[ "$("$SC" statx low | sed 's/.* //')" != no ] || unsupported "the libfuse in use has no statx operation"
	try sc statx low
	try touch up
	try sc statx up
}
