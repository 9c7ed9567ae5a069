#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Sourced, with tools/deps.sh, by what builds for another system than this one:
# cmocka from the distribution's source package, made with the compiler of that
# system.  A package of the foreign architecture would do for some of them, but
# not for musl, and would have to be let in by the machine's package manager.
#
# All is kept in build-targets/, and the second time no network is needed.

# The distribution's own package lists, asking for sources.
source_lists()
{
	for f in /etc/apt/sources.list.d/debian.sources \
	    /etc/apt/sources.list.d/ubuntu.sources; do
		[ -f "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" \
		    >"$1/${f##*/}"
	done
	if [ -f /etc/apt/sources.list ]; then
		sed -n 's/^deb /deb-src /p' /etc/apt/sources.list \
		    >"$1/main.list"
	fi
	return 0
}

# apt_source DIRECTORY PACKAGE: with state and lists of its own there, so that
# those of the machine stay as they are and no one has to be root.
apt_source()
{
	mkdir -p "$1/parts" "$1/lists/partial" "$1/cache" || return 1
	source_lists "$1/parts"
	apt_private="-o Dir::Etc::SourceList=/dev/null
	    -o Dir::Etc::SourceParts=$1/parts -o Dir::State::Lists=$1/lists
	    -o Dir::Cache=$1/cache -o APT::Sandbox::User="
	apt-get -qq $apt_private update &&
	    (cd "$1" && apt-get -qq $apt_private source --download-only "$2")
}

# cmocka_source DIRECTORY: leaves the sources there.
cmocka_source()
{
	[ -f "$1/src/cmocka.c" ] && return 0
	command -v apt-get >/dev/null 2>&1 || {
		echo "no apt to fetch the sources of cmocka with"
		return 1
	}
	cmocka_tmp=$(mktemp -d) || return 1
	cmocka_status=0
	if ! { apt_source "$cmocka_tmp" cmocka && mkdir "$cmocka_tmp/src" &&
	    tar -xf "$(find "$cmocka_tmp" -name 'cmocka_*.orig.tar.*' \
		! -name '*.asc')" -C "$cmocka_tmp/src" --strip-components=1 &&
	    mkdir -p "${1%/*}" && mv "$cmocka_tmp/src" "$1"; }; then
		echo "the sources of cmocka cannot be had"
		cmocka_status=1
	fi
	rm -rf "$cmocka_tmp"
	return $cmocka_status
}

# cmocka_for PREFIX AR CC...: a static library and its .pc file, below PREFIX,
# made with these commands.  What goes wrong is printed.
cmocka_for()
{
	cmocka_prefix=$1
	cmocka_ar=$2
	shift 2
	cmocka_src=$top/build-targets/cmocka
	[ -f "$cmocka_prefix/lib/pkgconfig/cmocka.pc" ] && return 0
	cmocka_source "$cmocka_src" || return 1
	mkdir -p "$cmocka_prefix/include" "$cmocka_prefix/lib/pkgconfig" ||
	    return 1
	# What its configure script finds on every POSIX system.
	"$@" -O2 -w -fPIC -D_GNU_SOURCE -DHAVE_MALLOC_H -DHAVE_INTTYPES_H \
	    -DHAVE_SIGNAL_H -DHAVE_STRINGS_H -DHAVE_STRUCT_TIMESPEC \
	    -DHAVE_CLOCK_REALTIME -DHAVE_GCC_THREAD_LOCAL_STORAGE \
	    -DHAVE_SIGLONGJMP -DHAVE_STRSIGNAL -DHAVE_SNPRINTF \
	    -DHAVE_VSNPRINTF -I"$cmocka_src/include" \
	    -c "$cmocka_src/src/cmocka.c" -o "$cmocka_prefix/cmocka.o" &&
	    "$cmocka_ar" rcs "$cmocka_prefix/lib/libcmocka.a" \
	    "$cmocka_prefix/cmocka.o" &&
	    cp "$cmocka_src/include/cmocka.h" "$cmocka_prefix/include/" ||
	    return 1
	cat >"$cmocka_prefix/lib/pkgconfig/cmocka.pc" <<-END
		Name: cmocka
		Description: the cmocka unit testing library
		Version: 1.1
		Libs: -L$cmocka_prefix/lib -lcmocka
		Cflags: -isystem $cmocka_prefix/include
	END
}
