#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Sourced, after deps.sh, cmocka.sh and suite.sh: the suite for one system that
# is not this machine's own, in build-targets/NAME.
#
# musl	this processor, with another libc: it has no <sys/queue.h>, its msghdr
#	is that of POSIX, its sendmsg(2) and sendmmsg(2) are no plain system
#	calls.  Of glibc's headers it sees none; those of Linux are linked to.
# m32	x86 of 32 bits: size_t, pointers and the alignment of uint64_t.
# s390x	big-endian.  aarch64: another processor.  Both in an emulator of
#	system calls, qemu-user, on the kernel of this machine.
#
# What no target runs: peek, which needs libarchive and libseccomp for it (its
# parser runs as fuzz-peek), and imsgdump, which needs libpcap and jansson (its
# reader of streams runs as fuzz-dump-stream).  Those of this machine would be
# found, and not link: hence pkg_config_libdir.  What an emulator keeps from a program the test
# concerned finds out, and is skipped then.  qemu-user 7.2:
#   of_too_many_descriptors...	gives the kernel twice the room for control
#				messages that the program gave, and leaves
#				descriptors that do not fit open
#   what_a_sandbox_says...	refuses seccomp(2) filters: EINVAL
#   a_pidfd_that_nobody...	does not know SO_PASSPIDFD: ENOPROTOOPT
# Programs that are left out there as a whole:
#   hostile-peers		floods of descriptors, of which it keeps some
#   soak-processes, and those of libimsg-proc
#				run themselves with execve(2), which this
#				machine cannot without binfmt_misc(5)
# And its sendmmsg(2) goes on after a short message, as musl's does, which
# leaves a gap in the stream: it says to be Linux 4.8 here, with which the
# library does not use that call.
#
# All that is skipped is listed below the line of its target.

not_emulated="hostile-peers|soak-processes|child-.*|proc-[a-s].*|proc-talk|sandbox.*"

target_packages()
{
	case $1 in
	musl)
		echo gcc musl-tools linux-libc-dev ;;
	m32)
		# Not gcc-multilib, which excludes compilers for other systems.
		v=$(gcc -dumpversion) && echo gcc-$v-multilib g++-$v-multilib ;;
	s390x)
		echo gcc-s390x-linux-gnu g++-s390x-linux-gnu \
		    libc6-dev-s390x-cross qemu-user ;;
	aarch64)
		echo gcc-aarch64-linux-gnu g++-aarch64-linux-gnu \
		    libc6-dev-arm64-cross qemu-user ;;
	esac
}

# The C compiler with what it always needs.
target_cc()
{
	case $1 in
	musl)
		echo musl-gcc -idirafter "$2/linux" ;;
	m32)
		# <asm/...> is where the compiler of 64 bits has it.
		echo gcc -m32 -idirafter \
		    "/usr/include/$(gcc -print-multiarch)" ;;
	*)
		echo "$1-linux-gnu-gcc" ;;
	esac
}

# The headers of Linux alone, out of those of this machine's libc.
linux_headers()
{
	mkdir -p "$1" &&
	    ln -sfn /usr/include/linux "$1/linux" &&
	    ln -sfn /usr/include/asm-generic "$1/asm-generic" &&
	    ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$1/asm"
}

# As Meson writes a list.
quoted()
{
	printf "'%s', " "$@"
}

# target_file NAME DIRECTORY CC...: what Meson has to know of it.
target_file()
{
	name=$1
	dir=$2
	shift 2
	cat <<-END
		[properties]
		pkg_config_libdir = '$dir/cmocka/lib/pkgconfig'
		[binaries]
		c = [$(quoted "$@")]
		pcap-config = '/nonexistent'
		cmake = '/nonexistent'
	END
	is_cross "$name" && cat <<-END
		ar = '$name-linux-gnu-ar'
		strip = '$name-linux-gnu-strip'
		nm = '$name-linux-gnu-nm'
		objdump = '$name-linux-gnu-objdump'
		readelf = '$name-linux-gnu-readelf'
		pkgconfig = 'pkg-config'
		exe_wrapper = [$(quoted qemu-$name -r 4.8.0 -L /usr/$name-linux-gnu)]
		[host_machine]
		system = 'linux'
		cpu_family = '$name'
		cpu = '$name'
		endian = '$([ "$name" = s390x ] && echo big || echo little)'
	END
	return 0
}

is_cross()
{
	[ "$1" != musl ] && [ "$1" != m32 ]
}

# Leaves in $dir all that meson needs, or says why that cannot be.
target_prepare()
{
	what=$1
	dir=$2
	need $(target_packages "$what") || {
		echo "cannot be had: $(target_packages "$what")"
		return 1
	}
	mkdir -p "$dir" || return 1
	[ "$what" != musl ] || linux_headers "$dir/linux" || return 1
	ar="ar"
	! is_cross "$what" || ar=$what-linux-gnu-ar
	cmocka_for "$dir/cmocka" $ar $(target_cc "$what" "$dir") &&
	    target_file "$what" "$dir" $(target_cc "$what" "$dir") \
		>"$dir/machine.ini"
}

target_configure()
{
	[ -f "$1/build/build.ninja" ] && return 0
	meson setup "$1/build" "$top" "$2" "$1/machine.ini" \
	    -Dtests=enabled -Dexamples=disabled
}

# The tests that run there, as words for meson.
target_tests()
{
	! is_cross "$1" || meson test -C "$2" --list 2>/dev/null |
	    sed -n 's/^.* \/ //p' | grep -vE "^($not_emulated)$"
}

# The tests that the log calls skipped, once each; those that only a shrunken
# library skips are run with the other one.
target_skipped()
{
	echo "peek: no libarchive for it"
	echo "imsgdump: no libpcap and jansson for it"
	sed -n 's/^ok [0-9]* - \(.*\) # SKIP /\1: /p' "$2"
	awk '/^\[       OK \]/ { ok[$NF] = 1 }
	/^\[  SKIPPED \] [a-z_0-9]+$/ { skipped[$NF] = 1 }
	END { for (t in skipped) if (!ok[t]) print t ": the emulator" }' "$2"
	if is_cross "$1"; then
		echo "hostile-peers soak-processes child-* proc-* sandbox*: the emulator"
		echo "amalgamate autoconf porting: for this machine only"
	fi
}

# target NAME [TITLE]
target()
{
	title=${2:-$1}
	dir=$top/build-targets/$1
	log=$dir/log
	file=--native-file
	! is_cross "$1" || file=--cross-file
	if ! why=$(target_prepare "$1" "$dir"); then
		line "$title" skipped "$(echo "$why" | tail -n 1)"
		return
	fi
	suite_build "$title" "$dir/build" "$log" \
	    target_configure "$dir" $file || return
	suite_test "$title" "$dir/build" "$log" \
	    $(target_tests "$1" "$dir/build")
	target_skipped "$1" "$dir/build/meson-logs/testlog.txt" | sort -u |
	    sed 's/^/               skipped: /'
}
