#!/bin/sh
# SPDX-License-Identifier: ISC
#
# tmux 3.3a of Debian 12, as it is installed, with a copy of imsg.c from before
# OpenBSD 7.7 inside, against programs of ours on the classic wire: our client
# and its server, its client and our server.  Twice: with the library as it is,
# and with its buffers shrunk to a few bytes.  A part of tests/interop/run.
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
	    -I"$top/include" -o "$bin-$p" "tmux-$p.c" "$@" tmux-peer.c "$lib")
}

# programs LIBRARY
programs()
{
	lib=$1
	program client tmux-ask.c && program control tmux-ask.c &&
	    program attach tmux-ask.c tmux-tty.c &&
	    program server tmux-serve.c tmux-spawn.c &&
	    program terminal tmux-serve.c tmux-spawn.c tmux-tty.c
}

# Nothing of the user's tmux, and an environment without surprises.
# With exec="exec" a background process of it is the program itself.
exec=
clean()
{
	$exec env -i PATH="$PATH" HOME="$tmp" SHELL=/bin/sh TERM=xterm \
	    LC_ALL=C.UTF-8 TMUX_TMPDIR="$tmp" INTEROP_COUNT="$tmp/count" "$@"
}

real()
{
	clean timeout 20 tmux -N -L interop "$@"
}

socket=$tmp/tmux-$(id -u)/interop
modern=
trace=$tmp/trace

ours()
{
	clean "$bin-client" $modern -t "$trace" "$socket" "$@"
}

attach()
{
	clean "$bin-attach" "$1" "$socket" "$2"
}

# A case that failed may have left its socket.
serve()
{
	rm -f "$tmp/socket"
	clean "$bin-server" "$tmp/socket" "$1"
}

server=
stop()
{
	[ -n "$server" ] || return
	kill "$server" 2>/dev/null
	wait "$server"
	server=
}
trap 'stop; rm -rf "$tmp"' EXIT
trap 'exit 1' PIPE

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

# The deadline is for the case that this script is killed.
start()
{
	exec="exec"
	clean timeout 300 tmux -D -L interop -f /dev/null \
	    >"$tmp/server" 2>&1 </dev/null &
	server=$!
	exec=
	pid=
	until_true new_session one && new_session two &&
	    real set-option -g assume-paste-time 0 &&
	    pid=$(real display-message -p '#{pid}')
}

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

old_version()
{
	clean "$bin-client" -v 7 -t "$tmp/trace" "$socket" \
	    list-sessions >"$tmp/out.ours" 2>"$tmp/err.ours"
	[ $? -eq 1 ] && [ "$(cat "$tmp/err.ours")" = \
	    "protocol version mismatch (client 7, server 8)" ] &&
	    received 12
}

# Those of clients that have left it closes when it gets to it.
fds_are()
{
	[ "$(ls "/proc/$pid/fd" | wc -l)" -eq "$1" ]
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

shutdown()
{
	attach shutdown two && wait "$server" && server=
}

seq 1 400000 | gzip -9n | head -c 800000 >"$tmp/data"
[ "$(printf '\1\0' | od -An -td2 | tr -d ' ')" = 1 ] && little=1 || little=

t()
{
	n=$1
	shift
	check "$variant: $n" "$@"
}

# t, where the wires have something in common
little()
{
	if [ -n "$little" ]; then
		t "$@"
	else
		skip "$variant: $1" "big-endian: no header is readable"
	fi
}

client_tests()
{
	t "list-sessions: what the real client prints" same 0 list-sessions
	t "... is 303 write-open, 304 write, 203 exit" received 303 304 203
	t "display-message: pid and version" \
	    same 0 display-message -p '#{pid} #{version}'
	t "UTF-8" same 0 display-message -p 'äöü €'
	t "an unknown command: error text and status 1" same 1 no-such-command
	t "a session that is not there" same 1 has-session -t nobody
	t "a client without terminal cannot attach" same 1 attach-session
	t "a file that is not there" same 1 load-buffer /nowhere/at/all
	t "hundreds of lines, each in a message" same 0 list-keys
	t "800 KB from our standard input to the server" load -
	t "... from a file that our client opens" load "$tmp/data"
	t "... is 300 read-open, 203 exit" received 300 203
	t "800 KB from the server to our standard output" save -
	t "... to a file that our client opens" save "$tmp/copy"
	t "... is 303, 304, 306 write-close, 203" received 303 304 306 203
	t "protocol 7 is answered with 12 version" old_version
	fds=$(ls "/proc/$pid/fd" | wc -l)
	t "a hundred clients, ten at a time" hundred
	t "a terminal passed: screen, keys, new size, detach by keys" \
	    attach detach one
	t "... and for another session" attach detach two
	t "two pipes passed: control mode" clean "$bin-control" "$socket" one
	modern=-m
	little "modern wire: without descriptors it is the same" \
	    same 0 list-sessions
	modern=
	little "modern wire: the server does not see the marks" \
	    attach modern one
	t "the real server holds as many descriptors as before" \
	    until_true fds_are "$fds"
	t "kill-server: 210 shutdown to who is attached, and it ends" shutdown
}

server_tests()
{
	t "real client: identity, descriptors, command; text, status" serve list
	t "real client: both streams and status 7" serve display
	t "real client: a message with status 3" serve message
	t "real client: 12 version 9, which it names" serve version
	t "real client: it notices that we are gone" serve lost
	t "real client: 1002 variables, one in the largest message" \
	    serve many-variables
	t "real client: a command that fills the largest message" \
	    serve long-command
	t "real client: 1 MiB to its standard output" serve much-output
	t "real client: 1 MiB from its standard input" serve much-input
	t "real client: fifty one after another" serve one-by-one
	t "real client: six at a time, served in reverse" serve together
	t "real client: attached, on a terminal that it passes" \
	    clean "$bin-terminal" "$tmp/terminal.$variant"
	little "modern wire: its first mark is EPROTO, with the header" \
	    serve modern
}

# talk VARIANT LIBRARY
talk()
{
	variant=$1
	bin=$build/tmux-$1
	t "the programs compile" programs "$2"
	t "the real server runs" start
	[ -z "$pid" ] || client_tests
	stop
	server_tests
}

talk plain "$build/src/libimsg.a"
talk shrunk "$build/shrunk.o"
awk '{ s += $1; r += $2; n++ } END {
	print "# " n " channels, " s " messages sent, " r " received" }' \
    "$tmp/count"
done_testing
