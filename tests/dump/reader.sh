#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Who reads what imsgdump writes may itself be traced, or pause: nobody stands
# still for that.
# Environment: top, builddir.
. "$top/tests/tap.sh"

dump=${dump:-$builddir/tools/imsgdump/imsgdump}
exchange=$builddir/tests/dump/exchange
# A program that is traced cannot trace itself to look for leaks.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
export ASAN_OPTIONS

# Until a command succeeds; a minute.
until_true()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.1
	done
}

is_traced()
{
	grep -q '^TracerPid:[^0-9]*[1-9]' "/proc/$1/status"
}

has_ended()
{
	case "$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>&1)" in
	Z* | X* | sed:*) return 0 ;;
	esac
	return 1
}

traced_or_refused()
{
	has_ended $tracer || { is_traced $program && is_traced $reader; }
}

all_ended()
{
	for p; do
		until_true has_ended "$p" || return 1
	done
}

# Starts the exchange of $1 messages and who reads what is written.
begin()
{
	# Both ends are open, so that nobody waits for another to open one.
	exec 4<>"$tmp/lines"
	sh -c 'read -r x <"$1"; exec "$2" "$3" large' sh \
	    "$tmp/go" "$exchange" "$1" 4>&- &
	program=$!
	cat <"$tmp/lines" >"$tmp/read" 4>&- &
	reader=$!
}

mkfifo "$tmp/go" "$tmp/lines" || exit 1

begin 4
"$dump" -x -p $program -p $reader >"$tmp/lines" 2>"$tmp/err" 4>&- &
tracer=$!
exec 4>&-
if [ -n "$wrapper" ] || ! until_true traced_or_refused ||
    has_ended $tracer; then
	kill -KILL $program $reader $tracer 2>/dev/null
	skip "the reader of the messages is traced" \
	    "$(head -n 1 "$tmp/err")"
	done_testing
fi
check "a program is traced, and the reader of its messages" eval \
    'until_true is_traced $program && until_true is_traced $reader'
echo >"$tmp/go"
check "both go on" all_ended $program
kill -TERM $tracer
check "both end when tracing does" all_ended $tracer $reader
kill -KILL $program $reader $tracer 2>/dev/null
wait $tracer
check "imsgdump succeeds" [ $? -eq 0 ]
check "every message has been read" \
    [ "$(grep -c 'peerid=' "$tmp/read")" -eq 4 ]

done_testing
