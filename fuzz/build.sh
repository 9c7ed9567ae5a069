#!/bin/sh
# SPDX-License-Identifier: ISC
#
# How a target is built with a fuzzer's compiler.  Sourced by run and afl,
# which have set top.

targets='ibuf raw wire classic write peek call dump-capture dump-stream'
define='-std=c11 -g -DIMSG_OS_REPLACEABLE -D_DEFAULT_SOURCE'
shrunk='-DIMSGI_INPUT_SIZE=67 -DIMSGI_CHUNK_SIZE=192 -DIMSGI_CHUNK_FIRST=64
    -DIMSGI_PLACE_MAX=48 -DIMSGI_GUESS_MIN=24 -DIMSGI_IOV_MAX=3
    -DIMSGI_MMSG_MAX=2'

# fuzz_compile DIR CC FLAG...: the library and what targets share, an archive.
fuzz_compile()
{
	dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	for c in "$top"/src/*.c "$top"/fuzz/*.c; do
		case $c in
		*/fuzz-*|*/replay.c|*/mutate.c) continue ;;
		esac
		"$@" $define -I"$top/include" -c "$c" \
		    -o "$dir/$(basename "$c" .c).o" || return 1
	done
	ar rcs "$dir/all.a" "$dir"/*.o
}

# What of a target is in no other.
fuzz_extra()
{
	p=$top/examples/peek
	d=$top/tools/imsgdump
	case $1 in
	call)
		echo "$top"/loop/*.c ;;
	peek)
		echo "$p/answer.c" "$p/entry.c" "$p/print.c" ;;
	dump-capture)
		echo "-I$d" "$d/capture-read.c" "$d/capture-write.c" \
		    "$d/pseudo.c" "$top/tests/dump/records.c" -lpcap ;;
	dump-stream) echo "$d/evidence.c" "$d/passed.c" "$d"/stream*.c ;;
	esac
}

# fuzz_link TARGET DIR OUTPUT CC FLAG...
fuzz_link()
{
	target=$1
	dir=$2
	output=$3
	shift 3
	"$@" $define -I"$top/include" "$top/fuzz/fuzz-$target.c" \
	    $(fuzz_extra $target) "$dir/all.a" -o "$output"
}
