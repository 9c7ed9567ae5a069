#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The library as a control client of OpenSMTPD's smtpd, between smtpd and the
# real smtpctl and sendmail, and as a server of the real sendmail.  A request
# for an SMTP session is answered with a descriptor, so that both generations
# of the wire show.  The peerid is a version and must be 16.  Message numbers:
# 1 done, 2 failed, 3 digest, 4 a counter, 5 messages, 15 and 17 pause local
# delivery and SMTP, 24 resume SMTP, 28 status, 35 SMTP session.
. "${0%/*}/lib-daemons"
if [ "${inside:-}" != 1 ]; then
	fetch opensmtpd=6.8.0p2 libc6= libevent-2.1-7= libcrypt1= libdb5.3= \
	    libpam0g= libaudit1= libcap-ng0= libssl3= zlib1g=
	programs daemon-ask daemon-relay daemon-answer
	enter
fi
. "$top/tests/tap.sh"

sock=var/run/smtpd.sock

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

# The real clients want the group that the package gives their file.
client()
{
	chroot --userspec=0:993 . "$@"
}

smtpctl()
{
	client /usr/sbin/smtpctl "$@"
}

# They know one name of the socket: instead PROGRAM ARGUMENTS... has it.
instead()
{
	mv $sock $sock.real
	"$@"
	status=$?
	mv $sock.real $sock
	return $status
}

relay()
{
	instead "$build/daemon-relay$variant" "$tmp/relay.log" $sock $sock.real \
	    chroot --userspec=0:993 . "$@" &&
	    grep -q '^0 descriptors left' "$tmp/relay.log"
}

# Without what changes between two looks: the time, what is left until the
# next attempt, and sessions, which end a little after their clients.
still()
{
	grep -vE 'session|^uptime' "$1" | sed 's/pending|[-0-9]*|/pending|N|/'
}

relayed()
{
	smtpctl "$@" >"$tmp/direct"
	relay /usr/sbin/smtpctl "$@" >"$tmp/got" || return 1
	still "$tmp/direct" >"$tmp/direct.still"
	still "$tmp/got" | diff "$tmp/direct.still" -
}

# answered NAME REQUEST LINE: the one answer to a request.
answered()
{
	ask $sock "$2" | head -n 1 >"$tmp/got"
	echo "$3" >"$tmp/expected"
	same "$1" "$tmp/expected" "$tmp/got"
}

# pretend NAME STATUS LINE [OPTIONS] COMMAND...: a real client of our server,
# which answers as the standard input says, ends with that status and says
# that line.
pretend()
{
	name=$1 status=$2 line=$3
	shift 3
	cat >"$tmp/answers"
	instead "$build/daemon-answer$variant" "$@" >"$tmp/got" 2>&1 <"$tmp/mail"
	if [ $? -eq "$status" ] && grep -qxF "$line" "$tmp/got"; then
		ok "$name"
	else
		not_ok "$name"
		sed 's/^/# /' "$tmp/got"
	fi
}

# Sends a mail over the session that is its standard input and output.
cat >"$tmp/submit" <<'EOF'
expect()
{
	while read -r line; do
		echo "$line" | tr -d '\r' >&2
		case $line in
		$1\ *) return ;;
		???-*) ;;
		*) exit 1 ;;
		esac
	done
	exit 1
}
say()
{
	printf '%s\r\n' "$@"
}
expect 220; say 'EHLO localhost'
expect 250; say 'MAIL FROM:<root@mail.example>'
expect 250; say 'RCPT TO:<root@mail.example>'
expect 250; say DATA
expect 354; say 'Subject: ours' '' 'over a descriptor' .
expect 250; say QUIT
expect 221
EOF

# The other end of such a session.
cat >"$tmp/receive" <<'EOF'
say()
{
	printf '%s\r\n' "$@"
}
say '220 ours ready'
while read -r line; do
	echo "$line" | tr -d '\r' >&3
	case $line in
	DATA*) say '354 go on' ;;
	QUIT*) say '221 bye'; exit 0 ;;
	.*) say '250 taken by us' ;;
	EHLO*|MAIL*|RCPT*) say '250 fine' ;;
	esac
done
exit 1
EOF
printf 'Subject: theirs\n\nfrom the real sendmail\n' >"$tmp/mail"

start smtpd chroot . /usr/sbin/smtpd -d
up smtpd smtpctl show status

ask $sock 3:16:0:one | sed 's/ - .*//' >"$tmp/got"
printf '3 0 104\n1 answers, 120 bytes\n' >"$tmp/expected"
same "3 is answered with a digest of 104 bytes" "$tmp/expected" "$tmp/got"
answered "another peerid than 16 is told which one is right" \
    3:15:0:one "2 16 0 -"
ask -m $sock 3:16:0:one 28:16:0:one | sed 's/^\(3 .*\) - .*/\1/' >"$tmp/got"
printf '3 0 104\n28 0 4 - 0\n2 answers, 140 bytes\n' >"$tmp/expected"
same "the modern wire is the same without descriptors" \
    "$tmp/expected" "$tmp/got"

ask $sock 17:16:0:one 17:16:0:one 28:16:0:one 35:16:0:one 24:16:0:one \
    28:16:0:one 15:16:0:one >"$tmp/got"
{
	printf '1 0 0 -\n2 0 0 -\n28 0 4 - 8\n2 0 0 -\n1 0 0 -\n28 0 4 - 0\n'
	printf '1 0 0 -\n7 answers, 120 bytes\n'
} >"$tmp/expected"
same "SMTP pauses, once, and resumes; local delivery pauses" \
    "$tmp/expected" "$tmp/got"
check "smtpctl sees it" eval 'smtpctl show status | grep -qx "MDA paused"'
check "smtpctl show status through our relay" relayed show status

# The descriptor
ask -e "sh '$tmp/submit'" $sock 35:16:0:one >"$tmp/got"
check "35 brings a descriptor" grep -qx "1 0 0 fd" "$tmp/got"
check "which is an SMTP session that takes a mail" \
    grep -q "^250 2.0.0 .* Message accepted" "$tmp/got"
check "the mail is in the queue" \
    grep -rqx "over a descriptor" var/spool/smtpd/queue
check "50 sessions at once bring 50 descriptors" eval \
    'ask $sock 35:16:0:1:50 | grep -c " fd$" | grep -qx 50'
ask -m $sock 35:16:0:refused >"$tmp/got"
check "on the modern wire it is the other generation's header: EPROTO" \
    grep -qx "refused: EPROTO, type 1, length 0x00010010" "$tmp/got"
relay /usr/sbin/sendmail -v root >"$tmp/got" 2>&1 <"$tmp/mail"
check "sendmail gets its session through our relay" \
    grep -qx "< 1 0 0 fd" "$tmp/relay.log"
check "sendmail hears that its mail is accepted" \
    grep -q "^<<< 250 2.0.0 .* Message accepted" "$tmp/got"
check "the mail of sendmail is in the queue" \
    grep -rqx "from the real sendmail" var/spool/smtpd/queue

# What is in the queue and what was counted
check "smtpctl show queue through our relay" relayed show queue
check "it shows 2 messages" [ "$(wc -l <"$tmp/got")" = 2 ]
printf '%08x\n' $(ask $sock 5:16:4:one | sed -n 's/^5 0 8 - \([0-9]*\).*/\1/p') \
    >"$tmp/id"
check "5 lists them, too" eval 'grep -q "^$(cat "$tmp/id")" "$tmp/direct"'
smtpctl show stats >"$tmp/real"
sed 's/=.*//' "$tmp/real" | grep -v '^uptime.human' >"$tmp/expected"
ask -o 8 $sock 4:16:1056:again |
    awk '$1 == 4 && $5 != 0 { print $6 }' >"$tmp/got"
same "4 walks over the counters that smtpctl show stats prints" \
    "$tmp/expected" "$tmp/got"
traced chroot --userspec=0:993 . /usr/sbin/smtpctl show stats >"$tmp/real"
bytes=$(ask $sock 4:16:1056:again | sed -n 's/^.* answers, \(.*\) bytes/\1/p')
if grep -q unknown "$tmp/trace"; then
	skip "smtpctl receives as many bytes as we" "no ptrace"
else
	check "smtpctl receives $bytes bytes for them, as we" \
	    [ "$(received "$tmp/trace")" = "$bytes" ]
fi
check "smtpctl show stats through our relay" relayed show stats

ask -m -b 100000 $sock 3:16:20000:closed >"$tmp/got"
check "smtpd hangs up at a message over 16 KiB" grep -qx closed "$tmp/got"
check "smtpd still answers" smtpctl show status

# We are the daemon
pretend "the real sendmail takes our descriptor and delivers to us" \
    0 "<<< 250 taken by us" -e "sh '$tmp/receive' 3>'$tmp/transcript'" \
    "$tmp/answers" "$tmp/log" $sock \
    chroot --userspec=0:993 . /usr/sbin/sendmail -v root <<EOF
on 35
1 0 0 fd
EOF
check "the mail came whole" \
    grep -qx "from the real sendmail" "$tmp/transcript"
check "it asked for 35, peerid 16" grep -qx "35 16 0 -" "$tmp/log"
pretend "sent on the modern wire it is nothing that sendmail knows" \
    69 "sendmail: server too busy" -m -e true "$tmp/answers" "$tmp/log" $sock \
    chroot --userspec=0:993 . /usr/sbin/sendmail -v root <<EOF
on 35
1 0 0 fd
EOF
pretend "sendmail understands our refusal" \
    1 "sendmail: server disallowed submission request" \
    "$tmp/answers" "$tmp/log" $sock \
    chroot --userspec=0:993 . /usr/sbin/sendmail -v root <<EOF
on 35
2 0 0
EOF
pretend "smtpctl show status prints what we say" 0 "SMTP paused" \
    "$tmp/answers" "$tmp/log" $sock \
    chroot --userspec=0:993 . /usr/sbin/smtpctl show status <<EOF
on 28
28 0 4 0=u32:8
EOF
pretend "smtpctl believes that we are another version" \
    1 "smtpctl: incompatible smtpctl and smtpd" \
    "$tmp/answers" "$tmp/log" $sock \
    chroot --userspec=0:993 . /usr/sbin/smtpctl show status <<EOF
on 28
2 17 0
EOF
done_testing
