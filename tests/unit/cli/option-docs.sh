#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# option-docs.sh PROGRAM SOURCE-DIRECTORY [--update]: the manual and the completions say what the option table says. The
# blocks stand between "begin options PART" and "end options PART"; --update writes them anew.
set -eu
program=$1 source=$2 update=${3-} failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

block() { # FILE PART: the block as it is
	sed -n "/begin options $2\$/,/end options $2\$/p" "$1" | sed '1d;$d'
}

replace() { # FILE PART: the file with the block from $scratch/want
	awk -v part="$2" -v want="$scratch/want" '
		$0 ~ "end options " part "$" { skip = 0 }
		!skip { print }
		$0 ~ "begin options " part "$" { skip = 1; while ((getline line < want) > 0) print line }
	' "$1" >"$scratch/new"
	cat "$scratch/new" >"$1"
}

check() { # FILE PART
	"$program" "$2" >"$scratch/want"
	[ -s "$scratch/want" ]
	[ "$update" != --update ] || replace "$source/$1" "$2"
	block "$source/$1" "$2" >"$scratch/have"
	if diff -u "$scratch/have" "$scratch/want"; then
		echo "ok - $1 agrees with the option table ($2)"
	else
		echo "not ok - $1 differs from the option table ($2); option-docs.sh --update writes it anew"
		failed=1
	fi
}

check man/plyfs.1.scd table
check man/plyfs.1.scd list
check man/plyfs.1.scd idle
for shell in plyfs.bash _plyfs plyfs.fish; do
	check "data/completions/$shell" words
	check "data/completions/$shell" paths
done
exit $failed
