#!/bin/sh
# SPDX-License-Identifier: ISC
#
# amalgamate.sh SOURCE_DIR CC: the two files that dist/amalgamate makes are the
# whole library and nothing else, compile everywhere without a word, show no
# name but the documented ones, and serve programs in C and C++.
src=$(cd "$1" && pwd)
cc=$2
. "$src/tests/tap.sh"

strict="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
    -Werror"
make=$src/dist/amalgamate

symbols_of libimsg >"$tmp/documented"
mkdir "$tmp/one" "$tmp/a b" "$tmp/empty"
c=$tmp/one/imsg.c
h=$tmp/one/imsg.h

#
# What is made, and how
#
check "makes the two files" "$make" "$tmp/one"
check "anywhere else, too" sh -c "cd '$tmp/a b' && '$make' ."
check "and the same bytes" sh -c "
    cmp '$c' '$tmp/a b/imsg.c' && cmp '$h' '$tmp/a b/imsg.h'"
check "makes nothing else" sh -c "[ \"\$(ls '$tmp/one' | tr '\n' ' ')\" = \
    'imsg.c imsg.h ' ]"

# says WORDS ARGUMENTS...: refuses, says why, and writes nothing.
says()
{
	words=$1
	shift
	if (cd "$tmp/empty" && "$make" "$@") >"$tmp/said" 2>&1; then
		echo "did not fail"
		return 1
	fi
	cat "$tmp/said"
	grep -q "$words" "$tmp/said" && [ -z "$(ls "$tmp/empty")" ]
}
check "refuses no directory" says "usage: dist/amalgamate DIR"
check "refuses an empty name" says "usage: dist/amalgamate DIR" ""
check "refuses two directories" says "usage: dist/amalgamate DIR" . .
check "refuses what is no directory" says "nowhere is no directory" nowhere
check "does not overwrite the library's header" \
    says "library's own imsg.h" "$src/include"

mkdir "$tmp/tree"
cp -R "$src/dist" "$src/include" "$src/src" "$src/LICENSE" \
    "$src/meson.build" "$tmp/tree"
make=$tmp/tree/dist/amalgamate
check "a copy of the tree gives the same" sh -c "
    '$make' '$tmp/a b' && cmp '$c' '$tmp/a b/imsg.c'"
echo "int imsgi_new;" >"$tmp/tree/src/new.c"
check "notices a source that nobody listed" says "src/new.c is not in the list" .
rm "$tmp/tree/src/new.c" "$tmp/tree/src/os-fd.c"
check "notices a source that is gone" says "os-fd.c" .
make=$src/dist/amalgamate

version=$(sed -n "s/^  version: '\(.*\)',\$/\1/p" "$src/meson.build")
check "both say where they come from" sh -c "
    grep -qx '/\* made by dist/amalgamate from libimsg $version \*/' '$h' &&
    grep -qx ' \* made by dist/amalgamate from libimsg $version' '$c'"
check "the header is the public one" sh -c "
    sed '/^.. made by dist/d' '$h' | cmp - '$src/include/imsg.h'"
check "the licence is there, once" sh -c "
    sed -n '/ISC License/,/SOFTWARE\.\$/p' '$c' | sed 's/^ \* *//' |
    diff - '$src/LICENSE' && [ \$(grep -c SPDX-License '$c') = 1 ]"

# Apart from empty lines, what was taken out stands here.
plain()
{
	grep -v -e '^#include "' -e '^/\* SPDX' -e '^$' "$1"
}
for f in "$src"/src/*.[ch]; do
	name=${f##*/}
	plain "$f" >"$tmp/is"
	awk -v from="/* --- $name --- */" '/^\/\* --- .* --- \*\/$/ {
	    on = $0 == from; next } on' "$c" >"$tmp/part"
	plain "$tmp/part" | diff "$tmp/is" - >>"$tmp/differ"
done
check "every source is there, unchanged" sh -c "
    cat '$tmp/differ'; [ -s '$tmp/is' ] && [ ! -s '$tmp/differ' ]"
check "once each" sh -c "[ \$(grep -c '^/\* --- ' '$c') = \
    \$(ls '$src'/src/*.[ch] '$src/include/imsg.h' | grep -c .) ]"
check "includes imsg.h, once, and no other file" sh -c "
    [ \"\$(grep '#include \"' '$c')\" = '#include \"imsg.h\"' ]"
check "names no path" refuses grep -n -e "$src" -e "$tmp" -e '#line' \
    -e '[^a-z]src/' "$c" "$h"

#
# How it compiles
#
quiet()
{
	"$@" >"$tmp/said" 2>&1
	status=$?
	cat "$tmp/said"
	[ $status -eq 0 ] && [ ! -s "$tmp/said" ]
}

# The headers for 32 bits are where those for 64 are.
m32="-m32 -idirafter /usr/include/x86_64-linux-gnu"
no_m32="no 32-bit libc for $cc"
printf '#include <stdlib.h>\nint main(void) { return 0; }\n' >"$tmp/m32.c"
if $cc $m32 -o "$tmp/m32" "$tmp/m32.c" 2>/dev/null && "$tmp/m32"; then
	no_m32=
fi

for std in c99 c11 gnu17 c2x; do
	for how in -O2 -O0 "-O0 -DIMSG_API_VERSION=77" \
	    "-O0 -DIMSG_API_VERSION=78" "$m32 -O2" "$m32 -O0"; do
		name="compiles as $std $(echo "$how" | sed 's/ -idir[^ ]* [^ ]*//')"
		case $how in
		-m32*)
			if [ -n "$no_m32" ]; then
				skip "$name" "$no_m32"
				continue
			fi ;;
		esac
		check "$name" quiet $cc $strict -std=$std $how -c \
		    -o "$tmp/x.o" "$c"
	done
done

check "compiles without any option" quiet sh -c "
    cd '$tmp/a b' && $cc -c imsg.c"
# names OBJECT: what it defines for others.  The thunks are gcc's, for 32 bits.
names()
{
	nm -g --defined-only "$1" | awk '{ print $NF }' |
	    grep -v '^__x86\.get_pc_thunk' | sort
}
documented()
{
	names "$1" | diff "$tmp/documented" -
}
renamed()
{
	names "$1" | sed 's/^mine_//;t;s/^/not renamed: /' |
	    diff "$tmp/documented" -
}
check "shows the documented functions and nothing else" \
    documented "$tmp/a b/imsg.o"
check "needs libc alone" $cc -shared -fPIC -nostdlib -Wl,-z,defs \
    -o "$tmp/alone.so" "$c" -lc
check "with -fvisibility=hidden a library exports none of it" sh -c "
    $cc -shared -fPIC -fvisibility=hidden -o '$tmp/lib.so' '$c' &&
    nm -D --defined-only '$tmp/lib.so' >'$tmp/out2' &&
    cat '$tmp/out2' && ! grep -wFf '$tmp/documented' '$tmp/out2'"

#
# Who uses it
#
talk=$src/tests/amalgamate-talk.c
case $cc in
*clang*) cxx=$(echo "$cc" | sed 's/clang/clang++/') ;;
*gcc*)	 cxx=$(echo "$cc" | sed 's/gcc/g++/') ;;
*)	 cxx="c++" ;;
esac
strict_cxx=$(echo $strict | sed 's/-Wstrict-prototypes//')

# runs OBJECT COMPILER...: the program with this imsg.o
runs()
{
	object=$1
	shift
	rm -f "$tmp/talk"
	"$@" -I"$tmp/one" -o "$tmp/talk" "$talk" -x none "$object" &&
	    [ "$("$tmp/talk")" = seen ]
}

for std in c99 c11; do
	$cc -std=$std -O2 -c -o "$tmp/$std.o" "$c"
	check "a C program runs, imsg.c is $std" \
	    runs "$tmp/$std.o" $cc $strict -std=gnu11
done
$cc -DIMSG_API_VERSION=78 -c -o "$tmp/78.o" "$c"
for v in 77 78; do
	for o in c99 78; do
		check "a C program for API $v runs with $o.o" \
		    runs "$tmp/$o.o" $cc $strict -DIMSG_API_VERSION=$v
		name="a C++ program for API $v runs with $o.o"
		if command -v "${cxx%% *}" >/dev/null 2>&1; then
			check "$name" runs "$tmp/$o.o" $cxx -x c++ \
			    -std=c++11 $strict_cxx -DIMSG_API_VERSION=$v
		else
			skip "$name" "no $cxx"
		fi
	done
done
if [ -z "$no_m32" ]; then
	check "a 32-bit imsg.c compiles" $cc $m32 -c -o "$tmp/m32.o" "$c"
	check "a 32-bit program runs" runs "$tmp/m32.o" $cc $m32 $strict
else
	skip "a 32-bit program runs" "$no_m32"
fi

sed 's/.*/#define & mine_&/' "$tmp/documented" >"$tmp/mine.h"
check "its functions can be given other names" \
    $cc -std=c99 $strict -include "$tmp/mine.h" -c -o "$tmp/mine.o" "$c"
check "all of them" renamed "$tmp/mine.o"
$cc -DIMSG_API_VERSION=78 -include "$tmp/mine.h" -c -o "$tmp/mine78.o" "$c"
check "with API 78 in the flags, too" renamed "$tmp/mine78.o"
# words TEXT COMMAND...: fails, and says so
words()
{
	text=$1
	shift
	! "$@" -o "$tmp/none.o" -c "$c" 2>"$tmp/err" && grep -qF "$text" "$tmp/err"
}
check "says that it needs C99" words "needs C99" $cc -std=c89
if command -v "${cxx%% *}" >/dev/null 2>&1; then
	check "says that it is C" words "is C: compile" $cxx -x c++
fi
if echo '#include <stdio.h>
__GLIBC__' | $cc -E - | grep -q '^[0-9]'; then
	check "says that a system header came first" words "_GNU_SOURCE" \
	    $cc -std=c99 -include stdio.h
fi
$cc -r -nostdlib -o "$tmp/both.o" "$tmp/mine.o" "$tmp/c99.o" 2>/dev/null
check "two copies in one program: one's users" runs "$tmp/both.o" $cc $strict
check "and the other's" runs "$tmp/both.o" $cc $strict \
    -include "$tmp/mine.h"
check "and with API 78" runs "$tmp/both.o" $cc $strict \
    -DIMSG_API_VERSION=78 -include "$tmp/mine.h"
done_testing
