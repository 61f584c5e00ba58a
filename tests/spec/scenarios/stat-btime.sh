# SPDX-License-Identifier: Apache-2.0
# title: statx tells a birth time for files of the lower and of the upper
# may-diff: btime where the libfuse in use has no STATX

layers() {
	put l1/low 1
}

scenario() {
	try sc statx low
	try touch up
	try sc statx up
}
