#!/bin/sh
# SPDX-License-Identifier: ISC
#
# imsgdump on OpenSMTPD's smtpd, between its seven processes, which pass many
# descriptors, and on sendmail and smtpctl.  A mail is submitted; it cannot be
# delivered, and so a second one, about this, is on its way.
. "${0%/*}/lib-daemons"
. "${0%/*}/lib-dump"
if [ "${inside:-}" != 1 ]; then
	fetch opensmtpd=6.8.0p2 libc6= libevent-2.1-7= libcrypt1= libdb5.3= \
	    libpam0g= libaudit1= libcap-ng0= libssl3= zlib1g=
	dump_tools smtpd
	enter_once dump="$dump" header="$header"
fi
. "$top/tests/tap.sh"

private_root opensmtpd libc6 libevent-2.1-7 libcrypt1 libdb5.3 libpam0g \
    libaudit1 libcap-ng0 libssl3 zlib1g
user opensmtpd 992
user opensmtpq 993
mkdir -p var/spool/smtpd
chmod 711 var/spool/smtpd
echo mail.example >etc/mailname
cat >etc/smtpd.conf <<EOF
listen on lo port 2525
action "local" maildir "/tmp/mail"
match from any for any action "local"
EOF

# The real clients want the group that the package gives their file.  The queue
# is looked at when the second mail has failed, too.
cat >"$tmp/clients" <<'EOF'
client()
{
	echo "$@"
	chroot --userspec=0:993 . "$@" 2>&1
	echo "status $?"
}
until [ -S var/run/smtpd.sock ] && client /usr/sbin/smtpctl show status |
    grep -q "^status 0"; do
	sleep 0.05
done
client /usr/sbin/smtpctl show status
printf 'Subject: theirs\n\nfrom the real sendmail\n' |
    client /usr/sbin/sendmail -v root
n=0
until grep -q "no return path" "$1" || [ "$n" -gt 400 ]; do
	n=$((n + 1))
	sleep 0.05
done
client /usr/sbin/smtpctl show queue
client /usr/sbin/smtpctl pause smtp
client /usr/sbin/sendmail -v root </dev/null
client /usr/sbin/smtpctl resume smtp
client /usr/sbin/smtpctl pause mda
client /usr/sbin/smtpctl show status
client /usr/sbin/smtpctl show nothing
EOF

ready()
{
	grep -q "OpenSMTPD 6.8.0p2 starting" "$1"
}

# The identifier of the mail
still()
{
	sed 's/ [0-9a-f]\{8\} Message/ ID Message/'
}

daemon="chroot . /usr/sbin/smtpd -d"
clients="sh $tmp/clients"
NAMES="1:IMSG_CTL_OK 28:IMSG_CTL_SHOW_STATUS 35:IMSG_CTL_SMTP_SESSION
    48:IMSG_STAT_INCREMENT"
exchange smtpd smtpd
done_testing
