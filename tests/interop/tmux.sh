#!/bin/sh
# SPDX-License-Identifier: ISC
#
# tmux 3.3a of Debian 12, as it is installed, with a copy of imsg.c from before
# OpenBSD 7.7 inside, against programs of ours on the classic wire: our client
# and its server, its client and our server.  A part of tests/interop/run.
. "$top/tests/tap.sh"
. "$top/tools/deps.sh"

give_up()
{
	skip "tmux" "$1"
	done_testing
}

need tmux || give_up "it cannot be installed"
command -v tmux >/dev/null 2>&1 || give_up "it is not installed"
[ "$(tmux -V)" = "tmux 3.3a" ] ||
    give_up "this is $(tmux -V); the messages are those of 3.3a"
[ -d /proc/self/fd ] || give_up "no /proc to count descriptors in"

# program NAME SOURCE...
program()
{
	p=$1
	shift
	(cd "$top/tests/interop" && $CC -std=c11 -O1 -g -Wall -Wextra \
	    -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror \
	    -I"$top/include" -o "$build/tmux-$p" "tmux-$p.c" "$@" \
	    tmux-peer.c "$build/src/libimsg.a")
}

programs()
{
	program client tmux-ask.c && program attach tmux-ask.c tmux-tty.c &&
	    program server tmux-serve.c tmux-spawn.c &&
	    program terminal tmux-serve.c tmux-spawn.c tmux-tty.c
}

check "the programs compile" programs
[ "$tap_bad" -eq 0 ] || done_testing

# Nothing of the user's tmux, and an environment without surprises.
clean()
{
	env -i PATH="$PATH" HOME="$tmp" SHELL=/bin/sh TERM=xterm \
	    LC_ALL=C.UTF-8 TMUX_TMPDIR="$tmp" INTEROP_COUNT="$tmp/count" "$@"
}

real()
{
	clean timeout 20 tmux -N -L interop "$@"
}

ours()
{
	clean "$build/tmux-client" $modern -t "$trace" "$socket" "$@"
}
modern=
trace=$tmp/trace

# Another deadline, should this script be killed.
clean timeout 300 tmux -D -L interop -f /dev/null \
    >"$tmp/server" 2>&1 </dev/null &
server=$!
socket=$tmp/tmux-$(id -u)/interop

stop()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null
	server=
}
trap 'stop; rm -rf "$tmp"' EXIT

# until_true COMMAND...: for ten seconds.
until_true()
{
	n=0
	until "$@"; do
		n=$((n + 1))
		[ $n -lt 100 ] || return 1
		sleep 0.1
	done
}

new_session()
{
	real new-session -d -s "$1" "echo 'this is $1'
	    while read -r x; do echo \"got <\$x>\"; done"
}

first_session()
{
	until_true new_session one && new_session two &&
	    real set-option -g assume-paste-time 0
}

check "the real server runs" first_session
[ "$tap_bad" -eq 0 ] || done_testing
pid=$(real display-message -p '#{pid}')

# same STATUS ARGUMENT...: the real client and ours, side by side.
same()
{
	want=$1
	shift
	real "$@" >"$tmp/out.real" 2>"$tmp/err.real" </dev/null
	rs=$?
	ours "$@" >"$tmp/out.ours" 2>"$tmp/err.ours" </dev/null
	os=$?
	echo "status $rs and $os"
	cat "$tmp/err.real" "$tmp/err.ours"
	[ "$rs" -eq "$want" ] && [ "$os" -eq "$want" ] &&
	    cmp "$tmp/out.real" "$tmp/out.ours" &&
	    cmp "$tmp/err.real" "$tmp/err.ours" &&
	    { [ -s "$tmp/out.ours" ] || [ -s "$tmp/err.ours" ]; }
}

# received TYPE...: the messages of the last run, repetitions counted once.
received()
{
	sed -n 's/^< \([0-9]*\).*/\1/p' "$tmp/trace" | uniq | tr '\n' ' ' \
	    >"$tmp/types"
	cat "$tmp/types"
	[ "$(cat "$tmp/types")" = "$* " ]
}

check "list-sessions: what the real client prints" same 0 list-sessions
check "... is 303 write-open, 304 write, 203 exit" received 303 304 203
check "display-message: pid and version" \
    same 0 display-message -p '#{pid} #{version}'
check "UTF-8" same 0 display-message -p 'äöü €'
check "an unknown command: error text and status 1" same 1 no-such-command
check "a session that is not there" same 1 has-session -t nobody
check "a client without terminal cannot attach" same 1 attach-session
check "a file that is not there" same 1 load-buffer /nowhere/at/all
check "300 lines in 300 messages" same 0 list-keys

seq 1 400000 | gzip -9n | head -c 1000000 >"$tmp/data"

load()
{
	ours load-buffer "$1" <"$tmp/data" && real save-buffer - |
	    cmp - "$tmp/data" && grep -q '^> 301 16368' "$tmp/trace"
}

save()
{
	real load-buffer - <"$tmp/data" && ours save-buffer "$1" >"$tmp/saved"
	[ "$1" = - ] || mv "$1" "$tmp/saved"
	cmp "$tmp/saved" "$tmp/data" && grep -q '^< 304 16368' "$tmp/trace"
}

check "800 KB from our standard input to the server" load -
check "... from a file that our client opens" load "$tmp/data"
check "... is 300 read-open, 203 exit" received 300 203
check "800 KB from the server to our standard output" save -
check "... to a file that our client opens" save "$tmp/copy"
check "... is 303, 304, 306 write-close, 203" received 303 304 306 203

old_version()
{
	clean "$build/tmux-client" -v 7 -t "$tmp/trace" "$socket" \
	    list-sessions >"$tmp/out.ours" 2>"$tmp/err.ours"
	[ $? -eq 1 ] && [ "$(cat "$tmp/err.ours")" = \
	    "protocol version mismatch (client 7, server 8)" ] &&
	    received 12
}
check "protocol 7 is answered with 12 version" old_version

server_fds()
{
	ls "/proc/$pid/fd" | wc -l
}

# Those of clients that have left it closes when it gets to it.
fds_are()
{
	[ "$(server_fds)" -eq "$1" ]
}

# Ten at a time.
hundred()
{
	real list-sessions >"$tmp/out.real"
	bad=0
	for i in 0 1 2 3 4 5 6 7 8 9; do
		pids=
		for j in 0 1 2 3 4 5 6 7 8 9; do
			trace=$tmp/trace.$j
			ours list-sessions >"$tmp/out.$j" &
			pids="$pids $!"
		done
		for p in $pids; do
			wait $p || bad=1
		done
		for j in 0 1 2 3 4 5 6 7 8 9; do
			cmp "$tmp/out.real" "$tmp/out.$j" || bad=1
		done
	done
	trace=$tmp/trace
	[ $bad -eq 0 ]
}

attach()
{
	clean "$build/tmux-attach" "$1" "$socket" "$2"
}

fds=$(server_fds)
check "a hundred clients, ten at a time" hundred
check "a terminal passed: screen, keys, new size, detach by keys" \
    attach detach one
check "... and for another session" attach detach two
check "descriptors in the real server are as many as before" \
    until_true fds_are "$fds"

# On machines whose least significant byte comes first.
if [ "$(printf '\1\0' | od -An -td2 | tr -d ' ')" = 1 ]; then
	modern=-m
	check "modern wire: without descriptors it is the same" \
	    same 0 list-sessions
	modern=
	check "modern wire: the server does not see the marks" \
	    attach modern one
else
	skip "modern wire against the server" "big-endian: nothing is readable"
fi

# SIGCHLD of the server's own end included.
ends()
{
	attach shutdown two && wait "$server" && server=
}

check "kill-server: 210 shutdown to who is attached, and it ends" ends

serve()
{
	clean "$build/tmux-server" "$tmp/socket" "$1"
}

check "real client: identify, its descriptors, command; text, status" \
    serve list
check "real client: both streams and status 7" serve display
check "real client: a message with status 3" serve message
check "real client: 12 version 9, which it names" serve version
check "real client: it notices that we are gone" serve lost
check "real client: 1002 variables, one in the largest message" \
    serve many-variables
check "real client: a command that fills the largest message" \
    serve long-command
check "real client: 1 MiB to its standard output" serve much-output
check "real client: 1 MiB from its standard input" serve much-input
check "real client: fifty one after another" serve one-by-one
check "real client: six at a time, served in reverse" serve together
check "real client: attached, on a terminal that it passes" \
    clean "$build/tmux-terminal" "$tmp/socket"
if [ "$(printf '\1\0' | od -An -td2 | tr -d ' ')" = 1 ]; then
	check "modern wire: its first mark is EPROTO, with the header" \
	    serve modern
else
	skip "modern wire against the client" "big-endian: nothing is readable"
fi
awk '{ s += $1; r += $2; n++ } END {
	print "# " n " channels, " s " messages sent, " r " received" }' \
    "$tmp/count"
done_testing
