#!/bin/sh
# SPDX-License-Identifier: ISC
#
# exports.sh SOURCE_DIR LIBRARY...: the library exports what docs/SYMBOLS.md
# lists, needs libc alone, and does not call what it promises not to call.
src=$1
lib=$2
. "$src/tests/tap.sh"

sed -n 's/^- `\([a-z0-9_]*\)`.*/\1/p' "$src/docs/SYMBOLS.md" |
    sort >"$tmp/documented"
${NM:-nm} -D --defined-only "$lib" >"$tmp/nm"
awk '$2 != "A" { print $3 }' "$tmp/nm" >"$tmp/defined"
sed 's/@.*//' "$tmp/defined" | sort >"$tmp/exported"
check "exports exactly the documented symbols" \
    diff "$tmp/documented" "$tmp/exported"
check "there are symbols at all" test -s "$tmp/exported"
awk '$2 == "{" { v = $1 } /^\t.*;$/ && v != "" { sub(/^\t/, ""); sub(/;$/, "")
    if ($0 != "*") print $0 "@@" v }' "$src/src/libimsg.map" | sort >"$tmp/map"
sort "$tmp/defined" >"$tmp/versioned"
check "each symbol has the version of src/libimsg.map" \
    diff "$tmp/map" "$tmp/versioned"

${READELF:-readelf} -d "$lib" >"$tmp/dynamic"
check "the soname is libimsg.so.1" \
    grep -q 'SONAME.*\[libimsg\.so\.1\]' "$tmp/dynamic"
sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$tmp/dynamic" |
    grep -vE '^(lib(asan|ubsan|clang_rt.*)\.so.*|ld-.*)$' >"$tmp/needed"
check "needs libc alone" refuses grep -qvE '^libc\.' "$tmp/needed"

${NM:-nm} -D --undefined-only "$lib" | awk '{ print $2 }' | sed 's/@.*//' \
    >"$tmp/undefined"
check "calls no mallopt, signal, setsockopt, thread or exit function" \
    refuses grep -E \
    '^(mallopt|signal|sigaction|setsockopt|pthread_.*|exit|_exit|fork|atexit)$' \
    "$tmp/undefined"
# The table of system calls is in .data.rel.ro: read-only once relocated.
${OBJDUMP:-objdump} -t "$lib" | grep -E ' O \.(data|bss)[[:space:]]' |
    awk '{ print $NF }' | grep -E '^(imsg|ibuf|msgbuf|os_)' >"$tmp/writable"
check "there is no writable global state" test ! -s "$tmp/writable"
done_testing
