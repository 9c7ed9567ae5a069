#!/bin/sh
# SPDX-License-Identifier: ISC
#
# imsgdump on examples/peek: a parent, a worker in a sandbox for each archive,
# the archives passed as descriptors, all on the modern wire.  A part of
# tests/interop/run.
. "$top/tests/tap.sh"
. "$top/tools/deps.sh"
. "$top/tests/interop/lib-dump"

give_up()
{
	skip "imsgdump on peek" "$1"
	done_testing
}

dump_tools
peek=$build/dump/examples/peek
[ -x "$peek" ] || give_up "it is not built: no libarchive"
header=$top/examples/peek/entry.h:peek_type
header_too="$top/include/imsg_proc.h:imsgproc_type"

mkdir "$tmp/tree"
i=0
while [ $i -lt 300 ]; do
	echo "file $i" >"$tmp/tree/file-$i"
	i=$((i + 1))
done
tar -cf "$tmp/one.tar" -C "$tmp" tree
gzip -c "$tmp/one.tar" >"$tmp/two.tar.gz"
head -c 1000 "$tmp/two.tar.gz" >"$tmp/cut.tar.gz"
archives="$tmp/one.tar $tmp/two.tar.gz $tmp/cut.tar.gz"

for by in none strace dump; do
	by_$by $by "$peek" -q $archives
done
check "peek prints the same, traced or not" cmp "$tmp/none.out" "$tmp/dump.out"
check "... ends in the same way" cmp "$tmp/none.status" "$tmp/dump.status"
check "... and complains about the same archive" \
    diff "$tmp/none.err" "$tmp/dump.err"
counts "$tmp/strace.log" "$tmp/dump.json" peek
tidy "$tmp/dump.json" "$tmp/dump.pcap" peek
check "nothing is taken for something else than imsg" \
    none "$tmp/dump.json" '.kind == "note"'

# Types from 0x7fffff00 on are those of libimsg-proc.
ours=2147483392
# said FILTER: what jq makes of the messages of peek.
said()
{
	jq -r "select(.kind == \"message\" and .type < $ours) | $1" \
	    "$tmp/dump.json"
}

# is FILTER LINE...: it makes these lines.
is()
{
	said "$1" >"$tmp/got"
	shift
	printf '%s\n' "$@" >"$tmp/want"
	diff "$tmp/want" "$tmp/got"
}

check "each archive is a descriptor that goes to a worker, with its path" \
    is 'select(.fd) | "\(.name) \(.fd.state) \(.fd.refers_to)"' \
    "PEEK_OPEN present $tmp/one.tar" "PEEK_OPEN present $tmp/two.tar.gz" \
    "PEEK_OPEN present $tmp/cut.tar.gz"
check "where a descriptor shows, the wire is the modern one" \
    is 'select(.fd) | .wire' modern modern modern
check "the entries are as many as peek prints" [ \
    "$(said 'select(.name == "PEEK_ENTRY") | .type' | wc -l)" = \
    "$(grep -c '^tree/' "$tmp/none.out")" ]
check "two workers come to the end, one to an error" \
    is 'select(.type > 2) | .name' PEEK_END PEEK_END PEEK_ERROR
check "each worker is told its table and to begin, and says that it is ready" [ \
    "$(jq -r "select(.kind == \"message\" and .type >= $ours) |
	.name" "$tmp/dump.json" | sort | uniq -c | tr -s ' \n' ' ')" = \
    " 3 IMSGPROC_BEGIN 3 IMSGPROC_READY 3 IMSGPROC_TABLE " ]
check "the process that sends is the one that the header names" \
    none "$tmp/dump.json" '.kind == "message" and .from.pid != .pid'
parent=$(said 'select(.name == "PEEK_OPEN") | .from.pid' | sort -u)
said 'select(.name == "PEEK_OPEN") | .to.pid' | sort >"$tmp/to"
said 'select(.name != "PEEK_OPEN") | .from.pid' | sort -u >"$tmp/from"
check "one parent sends to three workers" \
    [ "$(echo "$parent" | wc -l) $(uniq "$tmp/to" | wc -l)" = "1 3" ]
check "those answer" cmp "$tmp/to" "$tmp/from"
check "... the parent" none "$tmp/dump.json" \
    ".kind == \"message\" and .type > 1 and .type < $ours and
	.to.pid != $parent"
done_testing
