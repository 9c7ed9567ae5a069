#!/bin/sh
# SPDX-License-Identifier: ISC
#
# imsgdump on OpenNTPD's ntpd, between its three processes, and on ntpctl.  The
# daemon is alone in its network and may not set the clock; names of servers
# give its processes something to talk about.
. "${0%/*}/lib-daemons"
. "${0%/*}/lib-dump"
if [ "${inside:-}" != 1 ]; then
	fetch openntpd=6.2p3 libc6=
	dump_tools ntpd
	enter_once dump="$dump" header="$header"
fi
. "$top/tests/tap.sh"

private_root openntpd libc6
user ntpd 991
echo "ntp 123/udp" >etc/services
echo "hosts: files" >etc/nsswitch.conf
for i in 2 3 4 5; do
	echo "127.0.0.$i server-$i.example" >>etc/hosts
	echo "server server-$i.example" >>etc/ntpd.conf
done

cat >"$tmp/clients" <<'EOF'
ntpctl()
{
	echo "$@"
	chroot . /usr/sbin/ntpctl "$@" 2>&1
	echo "status $?"
}
for what in status peers Sensors all nothing; do
	ntpctl -s $what
done
EOF

ready()
{
	grep -q "^ntp engine ready" "$1" &&
	    [ "$(grep -c "^recvmsg 127.*refused" "$1")" = 4 ]
}

# Seconds until the next query
still()
{
	sed 's/ *[0-9]*s/ Ns/g'
}

daemon="setpriv --bounding-set -sys_time --inh-caps -sys_time \
    chroot . /usr/sbin/ntpd -d -f /etc/ntpd.conf"
clients="sh $tmp/clients"
NAMES="4:IMSG_HOST_DNS 10:IMSG_CTL_SHOW_STATUS 11:IMSG_CTL_SHOW_PEERS
    12:IMSG_CTL_SHOW_PEERS_END"
exchange ntpd ntpd
done_testing
