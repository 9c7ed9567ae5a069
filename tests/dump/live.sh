#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Random conversations that imsgdump follows: its JSON says of each message
# just what the program has written down, no message more or less.
#	live.sh [FIRST LAST]	these seeds
# Environment: top, builddir.
. "$top/tests/tap.sh"

dump=$builddir/tools/imsgdump/imsgdump
program=$builddir/tests/dump/converse
first=${1:-1}
last=${2:-150}
# What looks for leaks would trace, too.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
if ! command -v jq >/dev/null 2>&1; then
	skip "random conversations" "no jq"
	done_testing
fi
if ! "$dump" -o "$tmp/nothing" -- true >"$tmp/out" 2>&1; then
	skip "random conversations" "$(head -n 1 "$tmp/out")"
	done_testing
fi

# A header may be the same on both wires: what is not known may be either.
lines='select(.kind == "message") | [.from.pid, .wire // $wire, .type, .peerid,
    .pid, .length, (if .fd == null then "-" elif .fd.state == "present" then
    .fd.refers_to else .fd.state end), .data] | @tsv'

conversation()
{
	rm -rf "$tmp/d"
	mkdir "$tmp/d"
	"$dump" --json -x -m 1048576 -o "$tmp/json" -- \
	    "$program" "$1" "$tmp/d" || return
	sort -s -n -k 1,1 "$tmp/d/truth-0" "$tmp/d/truth-1" >"$tmp/want"
	wire=$(head -n 1 "$tmp/want" | cut -f 2)
	jq -r --arg wire "$wire" "$lines" "$tmp/json" |
	    sort -s -n -k 1,1 >"$tmp/got"
	total=$((total + $(wc -l <"$tmp/want")))
	cmp "$tmp/want" "$tmp/got" &&
	    ! grep '"kind":"note"' "$tmp/json"
}

total=0
n=$first
while [ "$n" -le "$last" ]; do
	check "conversation $n" conversation "$n"
	n=$((n + 1))
done
echo "# $total messages"
done_testing
