#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The real bgpctl of OpenBGPD as a client of a server of ours, whose answers
# are chosen here.  Needs neither root nor a daemon.  Message numbers: 1 end,
# 5 neighbour up, 10 routes, 12 result, 13 neighbour, 14 next hops, 15
# interfaces, 16 a route of the RIB, 22 neighbours in brief, 25 tables.
. "${0%/*}/lib-daemons"
if [ "${inside:-}" != 1 ]; then
	fetch openbgpd=7.7
	programs daemon-answer
	twice
fi
. "$top/tests/tap.sh"

dpkg-deb -x "$(deb_of openbgpd)" "$tmp/bgpd"
bgpctl=$tmp/bgpd/usr/sbin/bgpctl
"$bgpctl" -V >"$tmp/version" 2>&1 || {
	skip "bgpctl" "does not run here: $(tail -n 1 "$tmp/version")"
	done_testing
}
cd "$tmp" || exit 1

# shows NAME STATUS ARGUMENTS: bgpctl asks us.  The standard input is what we
# answer and, after a line "--", what it has to print.
shows()
{
	name=$1 status=$2
	shift 2
	cat >case
	sed '/^--$/,$d' case >answers
	sed '1,/^--$/d' case >expected
	echo "status $status" >>expected
	"$build/daemon-answer$variant" $options answers log sock "$bgpctl" -s sock \
	    "$@" >got 2>&1
	echo "status $?" >>got
	check "$name" diff -b expected got
}
options=

# Offsets in the payload of a neighbour, 1744 bytes
descr=432 as=792 received=856 sent=912 prefixes=1048 queued=1672 state=1716

shows "bgpctl show prints the neighbours that we invent" 0 show <<EOF
on 13
13 0 1744 $descr=s:alpha $as=u32:65001 $received=u64:7 $sent=u64:9 $state=u32:3
13 0 1744 $descr=s:beta $as=u32:65002 $queued=u32:4 $prefixes=u32:12 $state=u32:6
1 0 0
--
Neighbor                   AS    MsgRcvd    MsgSent  OutQ Up/Down  State/PrfRcvd
alpha                   65001          7          9     0 Never    Active
beta                    65002          0          0     4 Never        12
EOF
check "it asked for 13 with peerid 0 and nothing else" \
    eval 'echo "13 0 0 -" | cmp - log'

many=3000
{
	cat <<EOF
on 22
13 0 1744 x$many $descr=s:peer-% $as=u32:65001 $state=u32:1
1 0 0
--
EOF
	i=1
	while [ $i -le $many ]; do
		echo "peer-$i 65001 Idle"
		i=$((i + 1))
	done
} >many
shows "$many messages arrive in order" 0 show summary terse <many

shows "show tables" 0 show tables <<EOF
on 25
25 0 104 0=s:ours 80=u32:5 96=u8:1 97=u8:1
25 0 104 0=s:theirs 80=u32:6 96=u8:1
1 0 0
--
Table Description          State
    5 ours                 coupled
    6 theirs               decoupled*
EOF
shows "show interfaces" 0 show interfaces <<EOF
on 15
15 0 96 0=s:wire0 16=s:active 48=s:fibre 80=u64:1000000000 88=u32:3 92=u8:1 93=u8:1
1 0 0
--
Interface      rdomain  Nexthop  Flags  Link state
wire0          3        ok       UP     fibre, active, 1000 MBit/s
EOF
shows "show nexthop" 0 show nexthop <<EOF
on 14
14 0 296 0=a:192.0.2.1 28=u8:1 288=u8:1
1 0 0
--
Flags: * = nexthop valid

  Nexthop         Route              Prio Gateway         Iface
* 192.0.2.1
EOF
shows "show fib" 0 show fib <<EOF
on 10
10 0 144 0=a:192.0.2.0 28=u8:1 48=a:198.51.100.1 76=u8:1 132=u16:1 136=u8:24 137=u8:48
1 0 0
--
flags: B = BGP, C = Connected, S = Static
       N = BGP Nexthop reachable via this route
       r = reject route, b = blackhole route

flags prio destination                      gateway
B       48 192.0.2.0/24                     198.51.100.1
EOF
# A path of one AS follows the 264 bytes.
shows "show rib" 0 show rib <<EOF
on 16
16 0 270 48=a:198.51.100.1 76=u8:1 96=a:192.0.2.0 124=u8:1 240=u32:100 244=u32:5 252=u32:3 256=u8:24 264=u8:2 265=u8:1 266=u32:0xf2fd0000
1 0 0
--
flags: * = Valid, > = Selected, I = via IBGP, A = Announced,
       S = Stale, E = Error
origin validation state: N = not-found, V = valid, ! = invalid
origin: i = IGP, e = EGP, ? = Incomplete

flags ovs destination          gateway          lpref   med aspath origin
*>      N 192.0.2.0/24         198.51.100.1      100     5 65010 i
EOF
for r in "0:request processed" "1:no such neighbor" "2:permission denied"; do
	shows "a result of ${r%%:*}: ${r#*:}" 0 neighbor alpha up <<EOF
on 5
12 0 4 0=u32:${r%%:*}
--
${r#*:}
EOF
done
check "it asked for 5 with a neighbour of 344 bytes, alpha" \
    grep -q "^5 0 344 - .*alpha" log
shows "a message that it does not know is no harm" 0 show tables <<EOF
on 25
999 0 1000
25 0 104 0=s:ours 80=u32:5 96=u8:1 97=u8:1
1 0 0
--
bgpctl: unknown imsg 999 received
Table Description          State
    5 ours                 coupled
EOF

options=-m
shows "the modern wire is the same without descriptors" 0 show tables <<EOF
on 25
25 0 104 0=s:ours 80=u32:5 96=u8:1 97=u8:1
1 0 0
--
Table Description          State
    5 ours                 coupled
EOF
options="-m -b 100000"
shows "a message over 16 KiB ends it with ERANGE" 1 show tables <<EOF
on 25
25 0 16369
--
bgpctl: imsg_get error: Numerical result out of range
Table Description          State
EOF
done_testing
