#!/bin/sh
# SPDX-License-Identifier: ISC
#
# test.sh SKELETON CLIENT: the daemon answers, reloads, survives the death of a
# process, and stops.
set -u
skeleton=$1
client=$2
tmp=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$tmp"' EXIT

# within COMMAND...: it succeeds within ten seconds
within()
{
	tries=0
	until "$@" >"$tmp/out" 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		sleep 0.05
	done
}

check()
{
	if within "$@"; then
		echo "ok: $*"
	else
		echo "FAILED: $*"
		cat "$tmp/out" "$tmp/log"
		exit 1
	fi
}

answers()
{
	[ "$("$client" "$tmp/sock" "$1")" = "$2" ]
}

logged()
{
	grep -q "$1" "$tmp/log"
}

# child NAME: its process ID
child()
{
	pgrep -P "$pid" -f "skeleton: $1"
}

gone()
{
	! kill -0 "$1"
}

echo 'prefix >' >"$tmp/conf"
"$skeleton" -f "$tmp/conf" -s "$tmp/sock" 2>"$tmp/log" &
pid=$!
check answers hello '>HELLO'
check answers 'and again' '>AND AGAIN'

echo 'prefix =' >"$tmp/conf"
kill -HUP "$pid"
check answers reloaded '=RELOADED'

for name in engine front; do
	old=$(child $name)
	kill -KILL "$old"
	check gone "$old"
	check answers "without $name" "=WITHOUT $(echo $name | tr a-z A-Z)"
done

others=$(pgrep -P "$pid")
kill "$pid"
wait "$pid"
status=$?
pid=
check [ "$status" -eq 0 ]
for p in $others; do
	check gone "$p"
done
