#!/bin/sh
# SPDX-License-Identifier: ISC
#
# exports.sh SOURCE_DIR LIBRARY...: each library, libimsg or an add-on, exports
# what docs/SYMBOLS.md lists, needs no others than it says, and does not call
# what it promises not to call.
src=$1
shift
. "$src/tests/tap.sh"

# What libraries must not do behind a program's back; of these the processes of
# a daemon cannot do without the last.
never='mallopt|setsockopt|pthread_.*|atexit|system|popen'
here='signal|sigaction|exit|_exit|fork'

# exports NAME MAP: the symbols of $lib
exports()
{
	symbols_of "$1" >"$tmp/documented"
	${NM:-nm} -D --defined-only "$lib" >"$tmp/nm"
	awk '$2 != "A" { print $3 }' "$tmp/nm" >"$tmp/defined"
	sed 's/@.*//' "$tmp/defined" | sort >"$tmp/exported"
	check "$1 exports exactly the documented symbols" \
	    diff "$tmp/documented" "$tmp/exported"
	check "$1: there are symbols at all" test -s "$tmp/exported"
	awk '$2 == "{" { v = $1 } /^\t.*;$/ && v != "" {
	    sub(/^\t/, ""); sub(/;$/, ""); if ($0 != "*") print $0 "@@" v }' \
	    "$src/$2" | sort >"$tmp/map"
	sort "$tmp/defined" >"$tmp/versioned"
	check "each symbol has the version of $2" \
	    diff "$tmp/map" "$tmp/versioned"
}

# needs NAME SONAMES: no library but those, which is a pattern
needs()
{
	${READELF:-readelf} -d "$lib" >"$tmp/dynamic"
	check "the soname is $1.so.1" \
	    grep -q "SONAME.*\[$1\.so\.1\]" "$tmp/dynamic"
	sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$tmp/dynamic" |
	    grep -vE '^(lib(asan|ubsan|clang_rt.*)\.so.*|ld-.*)$' >"$tmp/needed"
	check "$1 needs these alone: $2" \
	    refuses grep -qvE "^($2)" "$tmp/needed"
}

# calls NAME PATTERN: nothing of that
calls()
{
	${NM:-nm} -D --undefined-only "$lib" | awk '{ print $2 }' |
	    sed 's/@.*//' >"$tmp/undefined"
	check "$1 calls none of $2" refuses grep -E "^($2)$" "$tmp/undefined"
}

# no_state NAME: the table of system calls is in .data.rel.ro, read-only once
# relocated.
no_state()
{
	${OBJDUMP:-objdump} -t "$lib" |
	    grep -E ' O \.(data|bss)[[:space:]]' | awk '{ print $NF }' |
	    grep -E '^(imsg|ibuf|msgbuf|os_)' >"$tmp/writable"
	check "$1 has no writable global state" test ! -s "$tmp/writable"
}

for lib; do
	case ${lib##*/} in
	libimsg.so*)
		exports libimsg src/libimsg.map
		needs libimsg 'libc\.'
		calls libimsg "$never|$here"
		no_state libimsg ;;
	libimsg-loop.so*)
		exports libimsg-loop loop/libimsg-loop.map
		needs libimsg-loop 'libc\.|libimsg\.so\.1'
		calls libimsg-loop "$never|$here"
		no_state libimsg-loop ;;
	libimsg-proc.so*)
		exports libimsg-proc proc/libimsg-proc.map
		needs libimsg-proc \
		    'libc\.|libimsg\.so\.1|libimsg-loop\.so\.1|libseccomp\.so'
		calls libimsg-proc "$never" ;;
	*)
		not_ok "$lib is none of ours" ;;
	esac
done
done_testing
