#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The library as a control client of OpenBGPD's bgpd, and between bgpd and the
# real bgpctl.  Message numbers: 1 end, 5 neighbour up, 6 down, 12 result, 13
# neighbour, 15 interfaces, 21 memory, 22 neighbours in brief, 25 tables.
. "${0%/*}/lib-daemons"
if [ "${inside:-}" != 1 ]; then
	fetch openbgpd=7.7 libc6=
	programs daemon-ask daemon-relay
	enter
fi
. "$top/tests/tap.sh"

peers=40		# more than one read can bring
peer_size=1744
sock=run/openbgpd/bgpd.sock.0

private_root openbgpd libc6
user _openbgpd 990
mkdir run/openbgpd
{
	printf 'AS 65000\nrouter-id 10.0.0.1\nfib-update no\n'
	printf 'listen on 127.0.0.1 port 1790\nnetwork 192.0.2.0/24\n'
	i=1
	while [ "$i" -le "$peers" ]; do
		printf 'neighbor 127.0.1.%d {\n remote-as %d\n' $i $((65000 + i))
		printf ' descr "peer-%d"\n passive\n}\n' $i
		echo "peer-$i $((65000 + i)) Active" >>"$tmp/terse"
		i=$((i + 1))
	done
} >etc/bgpd.conf
chmod 600 etc/bgpd.conf

bgpctl()
{
	chroot . /usr/sbin/bgpctl "$@"
}

all_active()
{
	bgpctl show summary terse | cmp -s - "$tmp/terse"
}

# relayed ARGUMENTS: the same output as without us in between.
relayed()
{
	bgpctl "$@" >"$tmp/direct" 2>&1
	"$build/daemon-relay$variant" "$tmp/relay.log" run/relay $sock \
	    chroot . /usr/sbin/bgpctl -s /run/relay "$@" >"$tmp/relayed" 2>&1 &&
	    diff "$tmp/direct" "$tmp/relayed" &&
	    grep -q '^0 descriptors left' "$tmp/relay.log"
}

# log TYPE: how many messages of this type the relay took from bgpd.
log()
{
	grep -c "^< $1 " "$tmp/relay.log"
}

start bgpd chroot . /usr/sbin/bgpd -d -f /etc/bgpd.conf
up bgpd all_active

total=$((peers * (peer_size + 16) + 16))
i=1
while [ "$i" -le "$peers" ]; do
	echo "13 0 $peer_size - peer-$i"
	i=$((i + 1))
done >"$tmp/expected"
{
	echo "1 0 0 -"
	echo "$((peers + 1)) answers, $total bytes"
} >>"$tmp/expected"

# shorten: of an answer, type, peerid, length, descriptor and description.
shorten()
{
	sed -n '/^13 /{ s/^\(13 [^ ]* [^ ]* [^ ]*\) .*\(peer-[0-9]*\).*/\1 \2/; }; p'
}

ask $sock 22:0:0:1 | shorten >"$tmp/brief"
same "22 is answered with $peers messages of $peer_size bytes and an end" \
    "$tmp/expected" "$tmp/brief"
ask $sock 13:0:0:1 | shorten >"$tmp/long"
same "13 too, by way of another process of bgpd" "$tmp/expected" "$tmp/long"

traced chroot . /usr/sbin/bgpctl show summary terse >"$tmp/got"
same "bgpctl prints what was configured" "$tmp/terse" "$tmp/got"
if grep -q unknown "$tmp/trace"; then
	skip "bgpctl receives as many bytes as we" "no ptrace"
else
	check "bgpctl receives $total bytes, as we" \
	    [ "$(received "$tmp/trace")" = $total ]
fi

ask $sock 22:0:0:1:50 >"$tmp/many"
check "50 requests at once are answered in order" \
    grep -qx "$((50 * (peers + 1))) answers, $((50 * total)) bytes" "$tmp/many"
# This build knows no interfaces, which is a result of 2: denied.
ask $sock 200:0:100:nothing 25:0:0:1 15:0:0:12 21:0:0:21 >"$tmp/got"
check "other requests are answered by three processes of bgpd" \
    grep -qx "12 0 4 - 2" "$tmp/got"
check "an unknown one is ignored" grep -q "^21 0 200 - " "$tmp/got"

check "bgpctl show through our relay" relayed show
check "the relay saw $peers neighbours" [ "$(log 13)" = $peers ]
for w in "show rib" "show tables" "show interfaces" "show rib memory" \
    "show neighbor peer-7"; do
	check "bgpctl $w through our relay" relayed $w
done
check "bgpctl neighbor down through our relay" \
    relayed neighbor peer-3 down
check "a result of bgpd went through it" [ "$(log 12)" = 1 ]
check "bgpd took the neighbour down" eval \
    'bgpctl show summary terse | grep -qx "peer-3 65003 Idle"'
bgpctl neighbor peer-3 up >"$tmp/got"
check "bgpctl neighbor up brings it back" within 20 all_active

ask -m $sock 22:0:0:1 | shorten >"$tmp/modern"
same "the modern wire is the same without descriptors" \
    "$tmp/expected" "$tmp/modern"
ask -m -b 100000 $sock 13:0:20000:closed >"$tmp/got"
check "bgpd hangs up at a message over 16 KiB" grep -qx closed "$tmp/got"
ask $sock 13:0:16369:nothing 22:0:0:1 >"$tmp/got"
check "we do not send such a message" grep -qx "not sent: ERANGE" "$tmp/got"
ask -b 100000 $sock 13:0:65520:nothing 22:0:0:1 >"$tmp/got"
check "nor one over 65535 bytes on the classic wire, whatever the limit" \
    grep -qx "not sent: ERANGE" "$tmp/got"
check "bgpd still answers" all_active
done_testing
