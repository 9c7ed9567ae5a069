#!/bin/sh
# SPDX-License-Identifier: ISC
#
# imsgdump on tmux 3.3a as Debian 12 has it: the server that a client starts,
# and clients of a server that runs already.  A part of tests/interop/run.
. "$top/tests/tap.sh"
. "$top/tools/deps.sh"
. "$top/tests/interop/lib-dump"

give_up()
{
	skip "imsgdump on tmux" "$1"
	done_testing
}

need tmux || give_up "it cannot be installed"
have tmux || give_up "it is not installed"
[ "$(tmux -V)" = "tmux 3.3a" ] ||
    give_up "this is $(tmux -V); the messages are those of 3.3a"
dump_tools tmux

# Nothing of the user's tmux, and an environment without surprises; a program,
# since it is to be traced.
clean=$tmp/clean
cat >"$clean" <<EOF
#!/bin/sh
exec env -i PATH='$PATH' HOME='$tmp' SHELL=/bin/sh TERM=xterm \\
    LC_ALL=C.UTF-8 TMUX_TMPDIR='$tmp' timeout 60 "\$@"
EOF
chmod +x "$clean"

watcher=
server=
stop()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null
	wait
}
trap 'stop; rm -rf "$tmp"' EXIT
trap 'exit 1' PIPE

# until_true COMMAND...: for ten seconds.
until_true()
{
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		[ $n -lt 200 ] || return 1
		sleep 0.05
	done
}

# A client that starts the server: all ends with the one session, which waits
# for a line from its FIFO.
first()
{
	rm -f "$tmp/end"
	mkfifo "$tmp/end"
	exec 9<>"$tmp/end"
	"$1" "$2" "$clean" tmux -L first -f /dev/null \
	    new-session -d -s one "read x <'$tmp/end'" \; \
	    list-sessions -F '#{session_name} #{session_windows}' 9>&- &
	watcher=$!
	until_true grep -q '^one 1$' "$tmp/$2.out"
	echo >&9
	wait $watcher
	watcher=
	exec 9>&-
}

first by_none none
first by_strace first
first by_dump first
check "tmux ends as it does without" cmp "$tmp/none.status" "$tmp/first.status"
check "... and prints the same" cmp "$tmp/none.out" "$tmp/first.out"
check "imsgdump has nothing to complain about" cmp /dev/null "$tmp/first.err"
counts "$tmp/first.log" "$tmp/first.json" "a client and its server"
tidy "$tmp/first.json" "$tmp/first.pcap" "a client and its server"
check "each end has a name" none "$tmp/first.json" \
    '.from.name == null or .to.name == null'
check "nothing is taken for something else than imsg" \
    none "$tmp/first.json" '.kind == "note"'
check "the command line is the payload of MSG_COMMAND" [ "$(jq -r \
    'select(.name == "MSG_COMMAND") | .data[8:32]' "$tmp/first.json")" \
    = "$(printf 'new-session\0' | od -An -v -tx1 | tr -d ' \n')" ]

# A list of which a message is missing must not do.
less()
{
	sed '/"MSG_EXIT"/d' "$tmp/first.json" >"$tmp/less.json"
	! cmp -s "$tmp/first.json" "$tmp/less.json" &&
	    ! counted "$tmp/first.log" "$tmp/less.json"
}
check "a message less would be noticed" less

# Clients of a server that runs; the last ones pass it pipes and a terminal.
cat >"$tmp/clients" <<EOF
run()
{
	echo "\$@"
	tmux -N -L second "\$@" </dev/null 2>&1
	echo "status \$?"
}
run list-sessions -F '#{session_name}'
run display-message -p 'äöü #{version}'
run no-such-command
run has-session -t nobody
run attach-session
run list-keys
run load-buffer '$tmp/data'
run save-buffer -
run save-buffer '$tmp/copy'
run load-buffer /nowhere/at/all
tmux -N -L second load-buffer - <'$tmp/data'
echo "status \$?"
echo list-sessions | tmux -N -L second -C attach-session -t one >/dev/null
echo "control mode: status \$?"
rm -f '$tmp/keys'
mkfifo '$tmp/keys'
exec 8<>'$tmp/keys'
script -qec 'tmux -N -L second attach-session -t one' /dev/null <&8 \\
    >/dev/null &
n=0
until [ \$n -eq 400 ] ||
    tmux -N -L second list-clients </dev/null | grep -q one; do
	n=\$((n + 1))
	sleep 0.05
done
run detach-client -s one
wait \$!
echo "terminal: status \$?"
EOF

start_server()
{
	"$clean" tmux -D -L second -f /dev/null >"$tmp/server.log" 2>&1 \
	    </dev/null &
	server=$!
	until_true "$clean" tmux -N -L second new-session -d -s one \
	    'exec cat' &&
	    pid=$("$clean" tmux -L second display-message -p '#{pid}')
}

traced()
{
	! grep -q '^TracerPid:[^0-9]*0$' "/proc/$pid/status"
}

# watch COMMAND...: a tracer of the server, by its process id; the clients run
# by the function $1 under the other name $2.
watched()
{
	by=$1 name=$2
	shift 2
	exec="exec"
	"$@" &
	watcher=$!
	exec=
	until_true traced || return 1
	"$by" "$name" "$clean" sh "$tmp/clients"
	until_true refuses clients_left
	kill -TERM $watcher
	wait $watcher
	watcher=
	! traced && "$clean" tmux -L second has-session
}

# Connections that the server has not closed yet.
clients_left()
{
	[ "$(ls "/proc/$pid/fd" | wc -l)" -gt "$fds" ]
}

seq 1 40000 | gzip -9n | head -c 200000 >"$tmp/data"
check "the server runs" start_server
if [ -n "${pid:-}" ]; then
	fds=$(ls "/proc/$pid/fd" | wc -l)
	by_none plain "$clean" sh "$tmp/clients"
	until_true refuses clients_left
	check "imsgdump looks at clients, strace at the server" \
	    watched by_dump near see -o "$tmp/far.log" -p "$pid"
	check "the clients do as without" cmp "$tmp/plain.out" "$tmp/near.out"
	alike "clients of a server" "$tmp/far.log" "$tmp/near.json" \
	    tmux:_server inside
	tidy "$tmp/near.json" "$tmp/near.pcap" "clients of a server"
	check "imsgdump looks at the server, strace at clients" \
	    watched by_strace near show -o "$tmp/far.json" \
	    -w "$tmp/far.pcap" -p "$pid"
	check "they do as without" cmp "$tmp/plain.out" "$tmp/near.out"
	alike "a server with clients" "$tmp/near.log" "$tmp/far.json" \
	    tmux:_server outside
	tidy "$tmp/far.json" "$tmp/far.pcap" "a server with clients"
	"$clean" tmux -L second kill-server
fi
done_testing
