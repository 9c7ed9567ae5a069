#!/bin/sh
# SPDX-License-Identifier: ISC
#
# peek.sh PATH_TO_PEEK: lists good, strange and damaged archives and all that
# is no archive; every damage costs one line on stderr and exit status 1.
case $1 in
/*) peek=$1 ;;
*) peek=$PWD/$1 ;;
esac
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 1

have()
{
	command -v "$1" >/dev/null 2>&1
}

# run FILE...: the list in out, the complaints in err, the status in $status.
# The limit is far beyond what any file here takes.
limit=
! have timeout || limit='timeout 300'
run()
{
	status=0
	$limit "$peek" "$@" >out 2>err || status=$?
	grep -v '^peek: sandbox: ' err >err2
	mv err2 err
}

# verdict NAME CONDITION: shows what run() left if CONDITION does not hold.
verdict()
{
	if eval "$2"; then
		ok "$1"
	else
		not_ok "$1"
		echo "# status $status, expected: $2"
		sed 's/^/# out: /' out | tail -n 5
		sed 's/^/# err: /' err | head -n 5
	fi
}

err_is()
{
	printf '%s\n' "$1" >want
	cmp -s want err
}

# Nothing but lines of printable ASCII; run it under LC_ALL=C.
is_plain()
{
	[ "$(cat "$@" | tr -d '\n\040-\176' | wc -c)" -eq 0 ]
}

utf8=
for l in C.UTF-8 C.utf8 en_US.UTF-8; do
	if [ "$(LC_ALL=$l locale charmap 2>/dev/null)" = UTF-8 ]; then
		utf8=$l
		break
	fi
done
LC_ALL=${utf8:-C}
TZ=UTC0
export LC_ALL TZ
umask 022

# Archives to work with.  Only tar and gzip are on every machine.
mkdir tree tree/sub
echo 'first file' >tree/first
echo 'second file' >tree/sub/second
chmod 640 tree/first
touch -t 202001020304 tree/first
ln tree/first tree/twin
ln -s first tree/link
: >"tree/Gr$(printf '\303\274\303\237')e"
n=0
while [ $n -lt 200 ]; do
	echo "$n $n $n" >"tree/sub/part-$n"
	n=$((n + 1))
done
tar -cf good.tar tree
gzip -c good.tar >good.tar.gz

# agrees NAME FILE: the names are those that bsdtar finds.
agrees()
{
	if ! bsdtar -tf "$2" >theirs 2>/dev/null; then
		skip "$1" "bsdtar cannot read it"
		return
	fi
	run -q "$2"
	verdict "$1" '[ $status -eq 0 ] && [ -s out ] && cmp out theirs'
}

formats()
{
	for f in gzip bzip2 xz lzma lz4 zstd compress lzip uuencode; do
		if bsdtar --$f -cf "good.$f" tree 2>/dev/null; then
			agrees "tar, $f: the names are those of bsdtar" \
			    "good.$f"
		else
			skip "tar, $f" "bsdtar cannot write it"
		fi
	done
	for f in gnutar ustar pax cpio newc ar 7zip zip iso9660 xar mtree; do
		set -- tree
		[ $f != ar ] || set -- tree/first
		if bsdtar --format=$f -cf "good.$f" "$@" 2>/dev/null; then
			agrees "$f: the names are those of bsdtar" "good.$f"
		else
			skip "$f" "bsdtar cannot write it"
		fi
	done
	agrees "tar: the names are those of bsdtar" good.tar
}
if have bsdtar; then
	formats
else
	skip "names are those of bsdtar" "bsdtar is not installed"
fi

if have zip; then
	(cd tree && zip -qry ../info.zip .)
	run info.zip
	verdict "a zip of Info-ZIP is listed" '[ $status -eq 0 ] &&
	    grep -q " first$" out && grep -q " sub/part-199$" out'
else
	skip "a zip of Info-ZIP is listed" "zip is not installed"
fi

# What a line says.
run good.tar
verdict "a line has mode, owner, size, time and name" '[ $status -eq 0 ] &&
    grep -Eq "^[-h]rw-r----- [^ ]+/[^ ]+ +[0-9]+ 2020-01-02 03:04 tree/(first|twin)" out'
verdict "a symbolic link shows where it leads" \
    'grep -q "^l.* tree/link -> first$" out'
verdict "a hard link shows of what" \
    'grep -Eq "^h.* tree/(first|twin) link to tree/(first|twin)$" out'
verdict "a directory is one" 'grep -Eq "^drwxr-xr-x .* tree/sub/$" out'
verdict "the last line sums up" \
    'tail -n 1 out | grep -Eq "^1 file, 207 entries, [0-9]+ bytes, 0 failed$"'
run -q good.tar
verdict "-q prints names and nothing else" '[ "$(wc -l <out)" -eq 207 ] &&
    ! grep -v "^tree/" out'
run good.tar good.tar.gz
verdict "several files have a heading each" 'grep -qx "good.tar:" out &&
    grep -qx "good.tar.gz:" out &&
    tail -n 1 out | grep -q "^2 files, 414 entries, "'

# Names.
if [ -n "$utf8" ]; then
	run -q good.tar
	verdict "UTF-8 passes where the locale has it" \
	    'grep -q "^tree/Gr$(printf "\303\274\303\237")e$" out'
else
	skip "UTF-8 passes where the locale has it" "no UTF-8 locale"
fi
LC_ALL=C
run -q good.tar
verdict "UTF-8 is escaped where the locale has not" \
    'grep -qF "tree/Gr\\303\\274\\303\\237e" out'
LC_ALL=${utf8:-C}

# strange WHAT NAME_FOR_PRINTF EXPECTED
strange()
{
	rm -rf odd
	mkdir odd
	if ! : 2>/dev/null >"odd/$(printf "$2.")"; then
		skip "$1" "this file system refuses the name"
		return
	fi
	tar -cf odd.tar odd
	run -q odd.tar
	printf '%s\n' odd/ "odd/$3." >want
	verdict "$1" '[ $status -eq 0 ] && cmp out want'
}
strange "an escape sequence is shown, not obeyed" \
    'red\033[31m' 'red\033[31m'
strange "a name with a line break stays on one line" \
    'one\ntwo\r' 'one\012two\015'
strange "a delete character and a tab are shown" 'a\177b\tc' 'a\177b\011c'
strange "a backslash is doubled" 'a\\033' 'a\\033'
strange "bytes that are not UTF-8 are shown" \
    'x\377y\300\257z' 'x\377y\300\257z'
strange "a character cut off is shown as bytes" 'x\342\202' 'x\342\202'
strange "a surrogate is not UTF-8" 'x\355\240\200' 'x\355\240\200'
strange "an 8-bit control is shown" 'x\302\2331m' 'x\302\2331m'
strange "a name cannot turn the direction of writing" \
    'x\342\200\256gpj\342\200\217\342\201\246' \
    'x\342\200\256gpj\342\200\217\342\201\246'

{ echo '#mtree'
  printf './'
  awk 'BEGIN { for (i = 0; i < 5000; i++) printf "n"; print " type=file" }'
} >long.mtree
run -q long.mtree
verdict "a name beyond 4096 bytes is cut, with a mark" '[ $status -eq 0 ] &&
    [ "$(wc -c <out)" -eq 4101 ] && grep -q "nnn\\\\\.\.\.$" out'

printf '#mtree\n./x type=file contents=/etc/passwd\n' >open.mtree
run -q open.mtree
verdict "a list of files on disk gets at none" '[ $status -eq 0 ] &&
    [ "$(cat out)" = ./x ]'

# Ten thousand.
mkdir many
awk 'BEGIN { for (i = 0; i < 10000; i++)
    printf ": >many/a-name-that-is-not-too-short-%05d\n", i }' >fill.sh
. ./fill.sh
tar -cf many.tar many
run many.tar
verdict "10,000 entries" '[ $status -eq 0 ] && [ ! -s err ] &&
    tail -n 1 out | grep -q "^1 file, 10001 entries, 0 bytes, 0 failed$"'

# What is no archive.  wrong NAME FILE COMPLAINT
wrong()
{
	complaint="peek: $3"
	run "$2" good.tar
	verdict "$1" '[ $status -eq 1 ] && err_is "$complaint" &&
	    tail -n 1 out | grep -q "^2 files, 207 .*, 1 failed$"'
}
: >empty
mkfifo fifo
echo 'Just a text.' >text
wrong "a directory" tree "tree: is a directory"
wrong "an empty file" empty "empty: is empty"
wrong "a missing file" gone "gone: No such file or directory"
wrong "a device" /dev/null "/dev/null: not a regular file"
wrong "a FIFO does not make it wait" fifo "fifo: not a regular file"
wrong "a text" text "text: Unrecognized archive format"
wrong "a bad name on the command line is shown, not obeyed" \
    "$(printf 'a\033[1mb')" 'a\033[1mb: No such file or directory'
gzip -c text >text.gz
wrong "a compressed text" text.gz "text.gz: Unrecognized archive format"

usage_is_refused()
{
	run "$@"
	verdict "usage: peek${*:+ }$*" '[ $status -eq 2 ] && [ ! -s out ] &&
	    grep -q "^usage: peek" err'
}
usage_is_refused
usage_is_refused -q
usage_is_refused -x good.tar
cp good.tar ./-q
run -- -q
verdict "-- ends the options" '[ $status -eq 0 ] && [ -s out ]'

# Output that gets lost.
if [ -c /dev/full ]; then
	status=0
	"$peek" many.tar good.tar >/dev/full 2>err || status=$?
	: >out
	verdict "a full disk is noticed" '[ $status -eq 1 ] &&
	    grep -q "^peek: cannot write the list" err'
else
	skip "a full disk is noticed" "no /dev/full"
fi
status=0
"$peek" good.tar >&- 2>err || status=$?
: >out
verdict "a closed standard output is noticed" '[ $status -eq 1 ] &&
    grep -q "^peek: cannot write the list" err'
"$peek" -q good.tar <&- >out 2>&-
status=$?
verdict "it does without standard input and error" '[ $status -eq 0 ] &&
    [ "$(wc -l <out)" -eq 207 ]'

# Damage.
size=$(($(wc -c <good.tar.gz)))
for cut in 5 15 100 $((size / 2)) $((size - 9)) $((size - 1)); do
	head -c "$cut" good.tar.gz >cut.tar.gz
	run cut.tar.gz good.tar
	verdict "tar.gz cut off after $cut bytes" '[ $status -eq 1 ] &&
	    [ "$(grep -c "^peek: cut.tar.gz: " err)" -eq 1 ] &&
	    tail -n 1 out | grep -q ", 1 failed$"'
done
# Ends in the content of the last file, which nobody has to read.
mkdir big
awk 'BEGIN { for (i = 0; i < 40000; i++) print "line", i }' >big/big
tar -cf big.tar big
head -c 100000 big.tar >cut.tar
run cut.tar
verdict "tar cut off within the content of a file" '[ $status -eq 1 ] &&
    grep -q "^peek: cut.tar: " err && grep -q "big/big$" out'

# damage FILE SEED: changes some bytes and may cut it off, into "damaged".
damage()
{
	cp "$1" damaged
	awk -v seed="$2" -v size="$(($(wc -c <"$1")))" '
	function draw(n) { s = (s * 16807) % 2147483647; return s % n }
	BEGIN {
		s = seed * 7919 + 1
		for (i = 0; i < 5; i++)
			draw(2)
		n = draw(2) ? 1 : 1 + draw(30)
		reach = draw(2) && size > 2000 ? 2000 : size
		while (n-- > 0)
			printf "%d %03o\n", draw(reach), draw(256)
		if (draw(4) == 0)
			print "cut", 1 + draw(size - 1)
	}' >plan
	while read -r at byte; do
		if [ "$at" = cut ]; then
			head -c "$byte" damaged >damaged.cut
			mv damaged.cut damaged
		else
			printf "\\$byte" | dd of=damaged bs=1 seek="$at" \
			    conv=notrunc 2>/dev/null
		fi
	done <plan
}

LC_ALL=C
trials=${PEEK_TRIALS:-66}
seed=${TEST_SEED:-20240607}
echo "# damage: $trials trials, TEST_SEED=$seed"
set --
for f in good.tar good.tar.gz good.zip info.zip good.xz good.bzip2 good.zstd \
    good.7zip good.iso9660 good.cpio good.xar good.compress; do
	[ ! -s "$f" ] || set -- "$@" "$f"
done
i=0
failures=0
noticed=0
while [ $i -lt "$trials" ]; do
	f=$1
	shift
	set -- "$@" "$f"
	damage "$f" $((seed + i))
	run damaged good.tar
	# 0: what was hit is of no concern to a list, as content is.
	case $status in
	0) [ ! -s err ] && good=1 || good=0 ;;
	1) noticed=$((noticed + 1))
	    [ "$(grep -c '^peek: damaged: ' err)" -eq 1 ] && good=1 ||
	    good=0 ;;
	*) good=0 ;;
	esac
	[ "$(wc -l <err)" -le 1 ] || good=0
	grep -q '^[-h]rw-r----- .* tree/first' out || good=0
	tail -n 1 out | grep -q '^2 files, ' || good=0
	grep -q ': worker ' err && good=0
	is_plain out err || good=0
	if [ $good -eq 0 ]; then
		failures=$((failures + 1))
		echo "# trial $i of $f: status $status: $(head -n 1 err)"
	fi
	i=$((i + 1))
done
verdict "damage costs one line and the next file is listed" \
    '[ $failures -eq 0 ]'
verdict "much of the damage is noticed" '[ $noticed -gt $((trials / 3)) ]'

# The worker itself, held up by an output that nobody reads.
limit_is()
{
	grep -q "^$1 *$2 *$3 " "/proc/$worker/limits" 2>/dev/null
}

# It has come to its archive.  Who is not root does not see the descriptors of a
# process that must not be traced, but the filter.
has_archive()
{
	limit_is "Max open files" 5 5 || return 1
	case $(readlink "/proc/$worker/fd/4") in
	*/many.tar) return 0 ;;
	esac
	[ "$(id -u)" -ne 0 ] || return 1
	grep -q '^Seccomp:.*2' "/proc/$worker/status" ||
	    grep -q '^peek: sandbox: ' err
}

worker_of()
{
	worker=
	tries=0
	while [ -z "$worker" ] || ! has_archive; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] && kill -0 "$1" 2>/dev/null || return 1
		worker=$(grep -ls "^PPid:[[:space:]]*$1\$" \
		    /proc/[0-9]*/status | sed 's,/proc/,,;s,/status,,')
		sleep 0.05
	done
}

in_cage()
{
	limit_is "Max open files" 5 5 && limit_is "Max file size" 0 0 &&
	    limit_is "Max core file size" 0 0 &&
	    limit_is "Max processes" 0 0 && limit_is "Max cpu time" 60 61 &&
	    grep -q '^NoNewPrivs:.*1' "/proc/$worker/status"
}

lone_worker()
{
	mkfifo hold
	"$peek" many.tar >hold 2>err &
	parent=$!
	exec 8<hold
	status=0
	: >out
	if ! worker_of $parent; then
		not_ok "a worker receives an archive"
		kill $parent
		return
	fi
	verdict "the worker has its limits" in_cage
	if [ "$(id -u)" -eq 0 ]; then
		verdict "the worker has no other descriptors" \
		    '[ "$(echo $(ls /proc/$worker/fd))" = "0 1 2 3 4" ]'
		outputs=$(readlink "/proc/$worker/fd/1" "/proc/$worker/fd/2")
		verdict "the worker writes to no terminal" '
		    [ "$(echo $outputs)" = "/dev/null /dev/null" ] ||
		    grep -q "^peek: sandbox: .*sanitizer" err'
	else
		skip "the worker has no other descriptors" \
		    "only root sees those of a process that is not to be traced"
	fi
	if grep -q '^peek: sandbox: ' err; then
		skip "the worker has a filter" "$(sed "s,.*: ,,;q" err)"
	else
		verdict "the worker has a filter" \
		    'grep -q "^Seccomp:.*2" /proc/$worker/status'
	fi
	kill -KILL "$worker"
	cat <&8 >out
	wait $parent || status=$?
	verdict "a worker that dies is named, with the signal" '
	    [ $status -eq 1 ] && grep -q "^peek: many.tar: worker killed by signal 9 (.*)$" err &&
	    tail -n 1 out | grep -q ", 1 failed$"'
}
if [ -e /proc/self/limits ] && [ -e /proc/self/fd ]; then
	lone_worker
else
	skip "the worker's limits, descriptors, filter, death" "no Linux /proc"
fi
done_testing
