#!/bin/sh
# SPDX-License-Identifier: ISC
#
# imsgdump on OpenBGPD's bgpd, between its four processes, and on bgpctl.
. "${0%/*}/lib-daemons"
. "${0%/*}/lib-dump"
if [ "${inside:-}" != 1 ]; then
	fetch openbgpd=7.7 libc6=
	dump_tools bgpd
	enter_once dump="$dump" header="$header"
fi
. "$top/tests/tap.sh"

private_root openbgpd libc6
user _openbgpd 990
mkdir run/openbgpd
{
	printf 'AS 65000\nrouter-id 10.0.0.1\nfib-update no\n'
	printf 'listen on 127.0.0.1 port 1790\n'
	printf 'prefix-set mine { 192.0.2.0/24, 198.51.100.0/24 }\n'
	printf 'network prefix-set mine\n'
	for i in 1 2 3; do
		printf 'neighbor 127.0.1.%d {\n remote-as %d\n' $i $((65000 + i))
		printf ' descr "peer-%d"\n passive\n}\n' $i
	done
	printf 'deny from any\nallow to any prefix-set mine\n'
} >etc/bgpd.conf
chmod 600 etc/bgpd.conf

cat >"$tmp/clients" <<'END'
bgpctl()
{
	echo "$@"
	chroot . /usr/sbin/bgpctl "$@" 2>&1
	echo "status $?"
}
bgpctl show
bgpctl show neighbor peer-2
bgpctl show rib
bgpctl show rib detail
bgpctl show sets
bgpctl show tables
bgpctl show interfaces
bgpctl show fib
bgpctl show nexthop
bgpctl show mrt neighbor peer-1
bgpctl network add 203.0.113.0/24
bgpctl show rib in
bgpctl show rib
bgpctl network show
bgpctl neighbor peer-3 down goodbye
bgpctl show summary terse
bgpctl reload
bgpctl show nothing
END

ready()
{
	[ "$(grep -c "Idle -> Active" "$1")" = 3 ] &&
	    grep -q "^RTR engine reconfigured" "$1" &&
	    grep -q "^RDE soft reconfiguration done" "$1"
}

# Ages
still()
{
	sed 's/ago\|[0-9][0-9]:[0-9][0-9]:[0-9][0-9]/T/g'
}

daemon="chroot . /usr/sbin/bgpd -d -f /etc/bgpd.conf"
clients="sh $tmp/clients"
NAMES="1:IMSG_CTL_END 12:IMSG_CTL_RESULT 13:IMSG_CTL_SHOW_NEIGHBOR
    29:IMSG_NETWORK_ADD 39:IMSG_RECONF_CONF"
exchange bgpd bgpd
done_testing
