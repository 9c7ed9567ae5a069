#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The library as a control client of OpenNTPD's ntpd, and between ntpd and the
# real ntpctl.  Message numbers: 10 status, 11 a peer, 12 end of peers and how
# many, 13 and 14 the same of sensors, 15 everything, 16 its end.  The daemon
# is alone in its network and may not set the clock.
. "${0%/*}/lib-daemons"
if [ "${inside:-}" != 1 ]; then
	fetch openntpd=6.2p3 libc6=
	programs daemon-ask daemon-relay
	enter
fi
. "$top/tests/tap.sh"

servers="127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6"
n=5
peer_size=128
sock=var/lib/openntpd/run/ntpd.sock

private_root openntpd libc6
user ntpd 991
echo "ntp 123/udp" >etc/services
for s in $servers; do
	echo "server $s" >>etc/ntpd.conf
	echo "11 0 $peer_size - $s" >>"$tmp/peers"
done
echo "12 0 4 - $n" >>"$tmp/peers"

ntpctl()
{
	chroot . /usr/sbin/ntpctl "$@"
}

# Seconds until the next query, which differ between two looks.
no_seconds()
{
	sed 's/ *[0-9]*s/ Ns/g' "$1" >"$1.still"
}

# The real client knows one name of the socket, so we take it.
relayed()
{
	ntpctl "$@" >"$tmp/direct" 2>&1
	mv $sock $sock.real
	"$build/daemon-relay$variant" "$tmp/relay.log" $sock $sock.real \
	    chroot . /usr/sbin/ntpctl "$@" >"$tmp/relayed" 2>&1
	status=$?
	mv $sock.real $sock
	no_seconds "$tmp/direct"
	no_seconds "$tmp/relayed"
	[ $status -eq 0 ] && diff "$tmp/direct.still" "$tmp/relayed.still" &&
	    grep -q '^0 descriptors left' "$tmp/relay.log"
}

log()
{
	grep -c "^< $1 " "$tmp/relay.log"
}

# Of a peer: type, peerid, length, descriptor, address.
shorten()
{
	sed 's/^\(11 [0-9]* [0-9]* [-a-z]*\) [0-9]* \([0-9.]*\).*/\1 \2/'
}

start ntpd setpriv --bounding-set -sys_time --inh-caps -sys_time \
    chroot . /usr/sbin/ntpd -d -f /etc/ntpd.conf
up ntpd ntpctl -s status
check "ntpd may not set the clock" \
    grep -q "adjtime failed: Operation not permitted" "$tmp/ntpd.log"

ask $sock 10:0:0:one >"$tmp/got"
printf '10 0 56 - %d\n1 answers, 72 bytes\n' $n >"$tmp/expected"
same "10 is answered with a status of 56 bytes, which knows $n servers" \
    "$tmp/expected" "$tmp/got"

ask $sock 11:0:0:12 | shorten >"$tmp/got"
{
	cat "$tmp/peers"
	echo "$((n + 1)) answers, $((n * (peer_size + 16) + 20)) bytes"
} >"$tmp/expected"
same "11 is answered with $n messages of $peer_size bytes and their number" \
    "$tmp/expected" "$tmp/got"

# This machine has no sensors that it knows.
total=$((72 + n * (peer_size + 16) + 20 + 20 + 16))
{
	echo "10 0 56 - $n"
	cat "$tmp/peers"
	echo "14 0 4 - 0"
	echo "16 0 0 -"
	echo "$((n + 4)) answers, $total bytes"
} >"$tmp/expected"
ask $sock 15:0:0:16 | shorten >"$tmp/got"
same "15 is answered with everything" "$tmp/expected" "$tmp/got"
ask -m $sock 15:0:0:16 | shorten >"$tmp/got"
same "the modern wire is the same without descriptors" \
    "$tmp/expected" "$tmp/got"

traced chroot . /usr/sbin/ntpctl -s all >"$tmp/real"
if grep -q unknown "$tmp/trace"; then
	skip "ntpctl receives as many bytes as we" "no ptrace"
else
	check "ntpctl receives $total bytes, as we" \
	    [ "$(received "$tmp/trace")" = $total ]
fi
check "ntpctl prints $n servers" \
    [ "$(grep -c '^127' "$tmp/real")" = $n ]

ask $sock 15:0:0:16:500 >"$tmp/got"
check "500 requests at once are answered in order" grep -qx \
    "$((500 * (n + 4))) answers, $((500 * total)) bytes" "$tmp/got"
ask $sock 99:0:1000:nothing 10:0:0:one >"$tmp/got"
check "an unknown request is ignored" \
    grep -qx "1 answers, 72 bytes" "$tmp/got"

for w in status peers Sensors all; do
	check "ntpctl -s $w through our relay" relayed -s $w
done
check "the relay saw $n servers" [ "$(log 11)" = $n ]

ask -m -b 100000 $sock 10:0:20000:closed >"$tmp/got"
check "ntpd hangs up at a message over 16 KiB" grep -qx closed "$tmp/got"
check "ntpd still answers" ntpctl -s status
done_testing
