#!/bin/sh
# SPDX-License-Identifier: ISC
#
# systems.sh SOURCE_DIR CC: the code for systems other than this one compiles
# against their headers (tests/systems) and takes the ways meant for them.
src=$(cd "$1" && pwd)
cc=$2
. "$src/tests/tap.sh"

strict="-std=c99 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef
    -Wstrict-prototypes -Wmissing-prototypes -Werror"
here="-U__linux__ -U__linux -Ulinux -U__gnu_linux__"

# compile SYSTEM FLAGS...: all of src/, one by one
compile()
{
	system=$1
	shift
	rm -rf "$tmp/o"
	mkdir "$tmp/o"
	for f in "$src"/src/*.c; do
		$cc $strict -nostdinc -isystem "$src/tests/systems/$system" \
		    -isystem "$src/tests/systems/posix" $here "$@" \
		    -I"$src/include" -c -o "$tmp/o/${f##*/}.o" "$f" || return 1
	done
}

# Of the calls that were compiled in those that not every system needs.
calls()
{
	nm -u "$tmp"/o/*.o | awk '$1 == "U" { print $2 }' | sort -u \
	    >"$tmp/o.list"
	grep -E \
	    '^(fcntl|getpeereid|getsockopt|madvise|sendmmsg|setsockopt|syscall)$' \
	    "$tmp/o.list" | tr '\n' ' ' | sed 's/ $//'
}

# quirks SYSTEM VALUE FLAGS...: that is in the table
quirks()
{
	system=$1
	want=$2
	shift 2
	cat >"$tmp/quirks.c" <<END
#include "$src/src/os.c"
_Static_assert((QUIRK_NOSIGPIPE | QUIRK_CLOEXEC | QUIRK_MSGSIZE |
    QUIRK_INFLIGHT) == $want, "quirks");
END
	$cc -std=c11 -fsyntax-only -nostdinc \
	    -isystem "$src/tests/systems/$system" \
	    -isystem "$src/tests/systems/posix" $here "$@" \
	    -I"$src/include" -I"$src/src" "$tmp/quirks.c"
}

# system NAME QUIRKS CALLS FLAGS...
system()
{
	name=$1
	bits=$2
	expected=$3
	shift 3
	dir=${name%%-*}
	check "$name compiles" compile "$dir" "$@"
	check "$name calls $expected" test "$(calls)" = "$expected"
	check "$name has the quirks $bits" quirks "$dir" "$bits" "$@"
}

system macos 0x0f "fcntl getpeereid getsockopt setsockopt" -D__APPLE__=1
system macos-posix 0x0f "fcntl getpeereid getsockopt setsockopt" \
    -D__APPLE__=1 -D_POSIX_C_SOURCE=200809L
system freebsd 0x02 "fcntl getpeereid getsockopt" -D__FreeBSD__=14
system freebsd-posix 0x02 "fcntl getpeereid getsockopt" -D__FreeBSD__=14 \
    -D_POSIX_C_SOURCE=200809L -D_XOPEN_SOURCE=700
system freebsd-12 0x02 "fcntl getpeereid" -D__FreeBSD__=12 \
    -D__FreeBSD_version=1204000
system dragonfly 0x00 "fcntl getpeereid" -D__DragonFly__=1
system openbsd 0x00 "fcntl getsockopt" -D__OpenBSD__=1
system openbsd-posix 0x00 "fcntl getsockopt" -D__OpenBSD__=1 \
    -D_POSIX_C_SOURCE=200809L
system netbsd 0x04 "fcntl getsockopt" -D__NetBSD__=1
done_testing
