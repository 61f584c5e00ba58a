# SPDX-License-Identifier: Apache-2.0
# A scratch tree whose sources are broken on purpose, and whether a test notices. Source it from bash; the caller has set
# HERE, this directory, and calls mutants_prepare first.

TOP=$(realpath "$HERE/../..")
# of the callers: the helper of the scenarios, made here if empty, and further arguments of cmake
DIR='' SC='' CMAKE_ARGUMENTS=()

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# mutants_prepare WORK: copies the sources, configures as the dev preset does and builds. WORK empty: a directory of its own,
# removed at the end. Warnings are no errors here: a call that is taken out leaves a function that nobody uses.
mutants_prepare() {
	DIR=$1
	if [ -z "$DIR" ]; then
		DIR=$(mktemp -d "${TMPDIR:-/tmp}/plyfs-mutants.XXXXXX")
		chmod 755 "$DIR" # some scenarios run the helper as another user
		trap 'rm -rf "$DIR"' EXIT
		trap 'exit 1' INT TERM
	fi
	rm -rf "$DIR/tree" "$DIR/pristine" "$DIR/build"
	mkdir -p "$DIR/tree"
	cp -a "$TOP/CMakeLists.txt" "$TOP/cmake" "$TOP/include" "$TOP/src" "$TOP/tests" "$DIR/tree/"
	cp -a "$DIR/tree/src" "$DIR/pristine"
	cmake -S "$DIR/tree" -B "$DIR/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DPLYFS_FAULTS=ON -DPLYFS_WERROR=OFF \
		"${CMAKE_ARGUMENTS[@]}" >"$DIR/said" 2>&1 || { cat "$DIR/said" >&2; die "cmake fails"; }
	mutants_build || { cat "$DIR/said" >&2; die "the untouched sources don't compile"; }
	cp "$DIR/build/src/daemon/plyfs" "$DIR/plyfs"
	if [ -z "$SC" ]; then
		SC=$DIR/sc
		cc -std=gnu17 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O1 -o "$SC" "$TOP"/tests/spec/helpers/sc*.c
	fi
}

mutants_build() {
	ninja -C "$DIR/build" plyfs >"$DIR/said" 2>&1
}

# mutants_restore FILE...: each below src, as it was.
mutants_restore() {
	local file

	for file; do
		cp "$DIR/pristine/$file" "$DIR/tree/src/$file"
	done
}

# mutants_unit TEST: a unit test, built from the sources as they are now.
mutants_unit() {
	ninja -C "$DIR/build" "$1" >"$DIR/said" 2>&1 || return 2
	ctest --test-dir "$DIR/build" --no-tests=error --output-on-failure -R "^${1//./\\.}\$" >"$DIR/said" 2>&1 && return
	! grep -q -E '\*\*\*(Skipped|Not Run)|No tests were found' "$DIR/said" || return 77
	return 1
}

# mutants_test TEST BINARY: 0 green, 1 red, 77 skipped, anything else says nothing about the binary. TEST is spec.SCENARIO,
# fault.CASE or unit.PROGRAM; what it says is in DIR/said.
mutants_test() {
	local test=$1 binary=$2 rc=0

	case $test in
	spec.*) "$TOP/tests/spec/run" "${test#spec.}" --plyfs "$binary" --sc "$SC" >"$DIR/said" 2>&1 || rc=$? ;;
	fault.*) timeout 300 unshare -m --propagation private "$TOP/tests/fault/sweep" "$binary" "${test#fault.}" kill \
		>"$DIR/said" 2>&1 || rc=$? ;;
	unit.*) mutants_unit "$test" || rc=$? ;;
	*) die "no such kind of test: $test" ;;
	esac
	! grep -q 'the kernel half failed' "$DIR/said" || rc=3
	return $rc
}

declare -A GREEN

# mutants_demand_green TEST: with untouched sources, once for each test. Returns 1 when it isn't.
mutants_demand_green() {
	local test=$1 rc=0

	if [ -z "${GREEN[$test]:-}" ]; then
		mutants_test "$test" "$DIR/plyfs" || rc=$?
		GREEN[$test]=$rc
		[ $rc = 0 ] || tail -n 20 "$DIR/said"
	fi
	[ "${GREEN[$test]}" = 0 ]
}
