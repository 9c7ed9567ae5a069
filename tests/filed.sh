#!/bin/sh
# SPDX-License-Identifier: ISC
#
# filed.sh FILED FILEDCTL FILED-CLIENT: the file server of examples/filed with
# real clients, bad ones among them, and with processes that are killed; as root
# with the users that it drops to, and as an ordinary user.
filed=$1
ctl=$2
client=$3
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/filed-http.sh"

if ! command -v curl >/dev/null 2>&1; then
	skip "all of filed" "curl is not installed"
	done_testing
fi
# That wants to trace processes that let nobody trace them.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
chmod 755 "$tmp"
umask 022
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$tmp"' EXIT

# wait_for COMMAND...: until it succeeds, for at most ten seconds.
wait_for()
{
	n=0
	while ! "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		[ $n -lt 200 ] || return 1
		sleep 0.05
	done
}

# verdict NAME CONDITION
verdict()
{
	if eval "$2"; then
		ok "$1"
	else
		not_ok "$1"
		echo "# expected: $2"
		for f in out err log; do
			[ ! -s "$tmp/$f" ] || tail -n 5 "$tmp/$f" |
			    tr -d '\r' | sed "s/^/# $f: /"
		done
	fi
}

# A document root, and what must not be seen: a secret beside it.
www=$tmp/www
mkdir -p "$www/one/sub" "$www/two" "$tmp/empty"
echo 'the secret' >"$tmp/secret"
echo '<p>first' >"$www/one/index.html"
echo '<p>below' >"$www/one/sub/index.html"
echo 'a { }' >"$www/one/a.css"
echo 'percent' >"$www/one/a b%"
: >"$www/one/void"
awk 'BEGIN { for (i = 0; i < 1024; i++) printf "%c", 97 + i % 26 }' \
    >"$www/one/1k"
dd if=/dev/urandom of="$www/one/big" bs=65536 count=160 2>/dev/null
cp "$www/one/1k" "$www/two/1k"
echo 'second' >"$www/two/only"
ln -s one "$www/now"
ln -s sub/index.html "$www/one/inside"
ln -s ../index.html "$www/one/sub/up"
ln -s ../../../secret "$www/one/outside"
ln -s "$tmp/secret" "$www/one/absolute"
ln -s "$www/one/index.html" "$www/one/absolute-inside"
ln -s loop "$www/one/loop"
ln -s /proc/self/root/etc/passwd "$www/one/magic"
mkfifo "$www/one/fifo"
mkdir "$www/one/bare"
touch -d '2020-01-02 03:04:05 UTC' "$www/one/1k"

status_of()
{
	"$ctl" -c "$tmp/sock" status
}

# process NAME: its process ID.
process()
{
	for child in $(cat "/proc/$pid/task/$pid/children"); do
		if grep -q "^filed: $1" "/proc/$child/cmdline"; then
			echo "$child"
		fi
	done 2>/dev/null
}

# start OPTION...: as $as, if that is a command.
start()
{
	: >"$tmp/log"
	rm -f "$www/now" && ln -s one "$www/now"
	$as "$filed" -d "$www/now" -c "$tmp/sock" -p 0 "$@" >"$tmp/log" 2>&1 &
	pid=$!
	wait_for grep -q '^filed: port' "$tmp/log"
	port=$(sed -n 's/^filed: port //p' "$tmp/log")
	url=http://127.0.0.1:$port
	wait_for curl -sfo /dev/null "$url/"
}

gone()
{
	! kill -0 "$pid" 2>/dev/null
}

connections()
{
	status_of >"$tmp/out" && sed -n 's/^connections \([0-9]*\) .*/\1/p' \
	    "$tmp/out"
}

no_connections()
{
	[ "$(connections)" = 0 ]
}

cpu_of()
{
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# Begun early and looked at when their time is up.
slow_begin()
{
	printf 'GET /1k HTTP/1.1\r\nHost: x\r\nX: %0200d\r\n\r\n' 0 |
	    "$client" drip "$port" 50 >"$tmp/drip" 2>&1 &
	drip=$!
	hold 3 /big
}

# hold N [PATH]: until release.
hold()
{
	: >"$tmp/held"
	[ -p "$tmp/end" ] || mkfifo "$tmp/end"
	"$client" hold "$port" "$@" <"$tmp/end" >"$tmp/held" &
	holder=$!
	exec 9>"$tmp/end"
	wait_for grep -q held "$tmp/held"
}

release()
{
	exec 9>&-
	wait $holder
}

slow_end()
{
	wait $drip
	verdict "a request in drops: its time is up" \
	    'grep -q "^HTTP/1.1 408 " "$tmp/drip"'
	wait_for no_connections
	verdict "clients that take nothing are left" no_connections
	release
}

# load_while NAME CONDITION MS COMMAND...: COMMAND while there is load.
load_while()
{
	load_name=$1 cond=$2 ms=$3
	shift 3
	"$client" load "$port" /1k "$www/one/1k" 8 "$ms" >"$tmp/out" \
	    2>"$tmp/err" &
	loader=$!
	"$@"
	wait $loader
	read -r _ ok _ busy _ bad _ lost <"$tmp/out"
	verdict "$load_name" "[ \"\$ok\" -gt 100 ] && $cond"
}

another()
{
	now=$(process "$1") && [ -n "$now" ] && [ "$now" != "$2" ]
}

kill_one()
{
	sleep 0.2
	old=$(process "$1")
	kill -9 "$old"
	wait_for another "$1" "$old"
}

reloads()
{
	for to in two one two one two; do
		rm -f "$www/next"
		ln -s $to "$www/next"
		mv -T "$www/next" "$www/now"
		if [ $to = one ]; then
			kill -HUP "$pid"
		else
			"$ctl" -c "$tmp/sock" reload
		fi
		sleep 0.1
	done
}

under_load()
{
	"$client" load "$port" /1k "$www/one/1k" 1000 0 >"$tmp/out" 2>"$tmp/err"
	verdict "1,000 connections at once" \
	    '[ "$(cat "$tmp/out")" = "ok 1000 busy 0 bad 0 lost 0" ]'
	curl -s --limit-rate 8M "$url/big" >"$tmp/whole" &
	transfer=$!
	wait_for test -s "$tmp/whole"
	load_while "reloads lose nothing" \
	    '[ "$bad$busy$lost" = 000 ]' 1000 reloads
	wait $transfer
	verdict "nor does a transfer under way" \
	    'cmp "$tmp/whole" "$www/one/big"'
	wait_for curl -sfo /dev/null "$url/only"
	fetch "the new root is served" 200 /only
	fetch "the old one is not" 404 /a.css
	load_while "the opener killed: 503, and on" \
	    '[ "$bad$lost" = 00 ]' 800 kill_one opener
	wait_for curl -sfo /dev/null "$url/1k"
	fetch "the opener is back" 200 /1k
	load_while "the front end killed: connections lost, and on" \
	    '[ "$bad$busy" = 00 ] && [ "$lost" -le 8 ]' 800 kill_one front
	fetch "the front end is back" 200 /1k
}

limit_of_connections()
{
	hold 40
	sixteen() { [ "$(connections)" = 16 ]; }
	wait_for sixteen
	verdict "no more connections than it has descriptors for" sixteen
	front=$(process front)
	before=$(cpu_of "$front")
	sleep 0.4
	verdict "and it does not spin meanwhile" \
	    '[ $(($(cpu_of "$front") - before)) -le 5 ]'
	release
	wait_for curl -sfo /dev/null -m 5 "$url/1k"
	fetch "then others have their turn" 200 /1k
}

stopped()
{
	"$ctl" -c "$tmp/sock" stop >"$tmp/out" 2>&1
	verdict "filedctl stops it" 'wait_for gone'
	wait "$pid"
	status=$?
	verdict "with status 0" '[ $status -eq 0 ] &&
	    ! grep -e Sanitizer -e "runtime error" "$tmp/log"'
	verdict "no process is left, no socket" '[ ! -e "$tmp/sock" ] &&
	    [ -z "$(process opener)$(process front)" ]'
	pid=
}

is_locked()
{
	uid=$2
	proc_status=/proc/$(process "$1")/status
	verdict "$1 has user $2, the parent has not" \
	    'grep -q "^Uid:.$uid.$uid.$uid.$uid$" "$proc_status" &&
	     grep -q "^Uid:.0" "/proc/$pid/status"'
	verdict "$1 is locked" 'grep -q "^NoNewPrivs:.1$" "$proc_status" &&
	     { grep -q "^Seccomp:.2$" "$proc_status" ||
	       grep -q "a sanitizer needs" "$tmp/log"; } &&
	     grep -q "^CapEff:.0*$" "$proc_status"'
}

only_sockets()
{
	for fd in "/proc/$(process front)/fd/"*; do
		readlink "$fd"
	done >"$tmp/out"
	! grep -v -e '^socket:' -e '^/dev/null$' -e "^$tmp/log$" "$tmp/out"
}

nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}

others_are_refused()
{
	nobody "$ctl" -c "$tmp/sock" stop >"$tmp/out" 2>&1
	status=$?
	verdict "filedctl of another user cannot reach it" \
	    '[ $status -eq 1 ] && grep -q "Permission denied" "$tmp/out"'
	chmod 666 "$tmp/sock"
	nobody "$ctl" -c "$tmp/sock" stop >"$tmp/out" 2>&1
	status=$?
	verdict "and is refused if it could" \
	    '[ $status -eq 1 ] && grep -q "refused" "$tmp/out"'
	fetch "it goes on" 200 /1k
}

as_root()
{
	users="-u nobody -o daemon -e $tmp/empty"
	mknod "$www/one/device" c 1 5
	echo closed >"$www/one/closed"
	chmod 600 "$www/one/closed"
	start $users -t 2
	is_locked front "$(id -u nobody)"
	is_locked opener "$(id -u daemon)"
	verdict "the front end sees an empty directory" \
	    '[ "$(readlink "/proc/$(process front)/root")" = "$tmp/empty" ]'
	verdict "and has only sockets" only_sockets
	slow_begin
	good_requests
	all_ranges
	attacks
	fetch "a device is not served" 403 /device
	fetch "nor what the opener's user may not read" 403 /closed
	strange_bytes
	slow_end
	others_are_refused
	under_load
	stopped
	start $users -n 2
	verdict "two front ends" '[ "$(status_of | wc -l)" -eq 2 ]'
	fetch "serve" 200 /1k
	stopped
}

# ended PID...: nobody may be there who waits for them.
ended()
{
	for child in "$@"; do
		! grep -q '^State:.[^Z]' "/proc/$child/status" 2>/dev/null ||
		    return 1
	done
}

# A port that is taken and a root that is not there are found before the start.
failures()
{
	$as "$filed" -d "$tmp/none" -c "$tmp/sock" -p 0 $users >"$tmp/out" 2>&1
	status=$?
	verdict "a root that is not there" '[ $status -eq 1 ] &&
	    grep -q "none: No such file" "$tmp/out" && [ ! -e "$tmp/sock" ]'
	start $users
	$as "$filed" -d "$www" -c "$tmp/sock2" -p "$port" $users \
	    >"$tmp/out" 2>&1
	status=$?
	verdict "a port that is taken" '[ $status -eq 1 ] &&
	    grep -q "Address already in use" "$tmp/out"'
	$as "$filed" -d "$www" -c "$tmp/sock" -p 0 $users >"$tmp/out" 2>&1
	status=$?
	verdict "a control socket that is taken" '[ $status -eq 1 ] &&
	    grep -q "Address already in use" "$tmp/out" && status_of >"$tmp/out"'
	children=$(cat "/proc/$pid/task/$pid/children")
	kill -9 "$pid"
	wait "$pid"
	verdict "killed, it leaves no process" '[ -n "$children" ] &&
	    wait_for ended $children'
	start $users
	fetch "and can be started again" 200 /1k
	kill -TERM "$pid"
	wait "$pid"
	status=$?
	verdict "SIGTERM stops it" '[ $status -eq 0 ] && [ ! -e "$tmp/sock" ]'
	pid=
}

as_user()
{
	start -t 2
	verdict "it says what is missing" 'grep -q "not started by root" "$tmp/log"'
	fetch "GET as an ordinary user" 200 /1k
	fetch "not out of the root" 403 /../secret
	fetch "nor by a link" 403 /absolute
	load_while "the opener killed: 503, and on" \
	    '[ "$bad$lost" = 00 ]' 400 kill_one opener
	stopped
	as="prlimit --nofile=64 $as"
	start
	limit_of_connections
	stopped
}

as=
users=
if [ "$(id -u)" = 0 ]; then
	as_root
	failures
	mkdir "$tmp/theirs"
	if nobody "$filed" -x 2>&1 | grep -q usage; then
		as="setpriv --reuid 65534 --regid 65534 --clear-groups"
		chmod 777 "$tmp"
		users=
		as_user
	else
		skip "as an ordinary user" "it cannot execute what is built here"
	fi
else
	failures
	as_user
fi
done_testing
