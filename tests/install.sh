#!/bin/sh
# SPDX-License-Identifier: ISC
#
# install.sh SOURCE_DIR BUILD_DIR CC LIBRARY...: what gets installed is complete,
# and a program finds it with pkg-config alone: installed anywhere, not
# installed at all, or as a Meson subproject, of either kind; and imsgdump finds
# what is its own.
src=$1
build=$2
cc=$3
. "$src/tests/tap.sh"

root=$tmp/root
check "installs" meson install -C "$build" --no-rebuild --destdir "$root"
pc=$(find "$root" -name libimsg.pc)
[ -n "$pc" ] || done_testing
PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=${pc%/*}
export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_PATH
libdir=$(dirname "$PKG_CONFIG_PATH")

sed -n '/^```c$/,/^```$/p' "$src/README.md" | sed '/^```/d' >"$tmp/readme.c"
check "the README shows examples/readme.c" \
    cmp "$tmp/readme.c" "$src/examples/readme.c"
# A sanitized library wants its runtime in the program, too.
runtime=
${NM:-nm} -D "$libdir/libimsg.so" | grep -q ' __asan_init' &&
    runtime="-fsanitize=address,undefined"

# program NAME FLAGS...: the README program with what pkg-config says, in the
# quoting that it uses
program()
{
	name=$1
	shift
	flags=$(pkg-config "$@" --cflags --libs "$name") &&
	    eval "$cc -Wall -Wextra -Werror $runtime $more -o '$tmp/program' \
	    '$tmp/readme.c' $flags"
}
more=

# hello DIRECTORY [PROGRAM]: it runs with the library there
hello()
{
	[ "$(env LD_LIBRARY_PATH="$1" $wrapper "${2:-$tmp/program}")" = \
	    "type 7: hello" ]
}

# needs_library PROGRAM
needs_library()
{
	${READELF:-readelf} -d "$1" | grep -q 'NEEDED.*\[libimsg\.so\.1\]'
}

for name in libimsg libimsg78; do
	check "pkg-config $name builds the README program" program $name
	runs "and it runs with the installed library ($name)" hello "$libdir"
	check "and the library is the shared one ($name)" \
	    needs_library "$tmp/program"
done
check "libimsg78 asks for API 78" \
    sh -c 'pkg-config --cflags libimsg78 | grep -q IMSG_API_VERSION=78'
check "libimsg does not" \
    sh -c '! pkg-config --cflags libimsg | grep -q IMSG_API_VERSION'
check "the static library is installed" test -f "$libdir/libimsg.a"
check "the header is installed as <imsg.h>" \
    sh -c "[ -n \"\$(find '$root' -path '*/include/imsg.h')\" ]"
check "the library names its version" test -f "$libdir/libimsg.so.1"

man=$(find "$root" -type d -name man3)
symbols_of libimsg >"$tmp/names"
if [ -f "$libdir/libimsg-loop.a" ]; then
	symbols_of libimsg-loop >>"$tmp/names"
	symbols_of libimsg-proc >>"$tmp/names"
fi
: >"$tmp/missing"
while read -r f; do
	[ -s "$man/$f.3" ] || echo "$f.3" >>"$tmp/missing"
done <"$tmp/names"
check "every function has a manual page" sh -c "
    cat '$tmp/missing'; [ ! -s '$tmp/missing' ]"
check "imsg.7 is installed" test -s "$man/../man7/imsg.7"

# ---- the add-ons, as far as this build has them

# addon NAME FLAGS...: the program with libimsg-NAME as pkg-config says
addon()
{
	name=$1
	shift
	flags=$(pkg-config "$@" --cflags --libs libimsg-$name) &&
	    eval "$cc -std=c11 -Wall -Wextra -Werror $runtime $more \
	    -o '$tmp/installed-$name' '$src/tests/installed-$name.c' $flags"
}

# answers NAME LIBRARY_PATH
answers()
{
	[ "$(env LD_LIBRARY_PATH="$2" $wrapper "$tmp/installed-$1")" = \
	    "answer: hello" ]
}

# runs_addon TITLE NAME LIBRARY_PATH: processes execute the program anew, which
# an emulator cannot.
runs_addon()
{
	if [ -n "$wrapper" ] && [ "$2" = proc ]; then
		skip "$1" "an emulator does not run what is executed in it"
	else
		runs "$1" answers "$2" "$3"
	fi
}

# This compiler may have no libseccomp, though the machine does.
sandbox=disabled
! grep -qs libseccomp "$PKG_CONFIG_PATH/libimsg-proc.pc" || sandbox=auto
addons=
no_addons=-Daddons=disabled
[ ! -f "$libdir/libimsg-loop.a" ] || {
	addons="loop proc"
	no_addons=
}
for a in $addons; do
	check "pkg-config libimsg-$a builds a program" addon $a
	runs_addon "... and it runs with the installed libraries" $a "$libdir"
	check "libimsg-$a names its version" test -f "$libdir/libimsg-$a.so.1"
	check "libimsg-$a brings what it stands on" sh -c "
	    pkg-config --print-requires libimsg-$a | grep '^libimsg'"
done
for h in ${addons:+imsg_call imsg_loop imsg_loop_event imsg_proc}; do
	check "<$h.h> is installed" sh -c \
	    "[ -s \"\$(find '$root' -path '*/include/$h.h')\" ]"
done
if [ -n "$addons" ]; then
	check "<imsg_loop_event.h> makes the library need no libevent" \
	    sh -c "! grep -E 'libevent|-levent' '$PKG_CONFIG_PATH'/libimsg-*.pc"
else
	skip "the add-ons" "this build leaves them out"
	check "nothing of them is installed" sh -c \
	    "[ -z \"\$(find '$root' -name '*imsg[-_]loop*' -o \
	    -name '*imsg[-_]proc*' -o -name '*imsgcall*')\" ]"
fi

# ---- the tools, as far as this build has them

cat >"$tmp/record.c" <<'END'
#include <sys/socket.h>
#include <fcntl.h>
#include <imsgrec.h>

int
main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
	struct imsgrec *rec;
	struct imsgbuf ch;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1 ||
	    imsgbuf_init(&ch, s[0]) == -1 ||
	    (rec = imsgrec_open(fd, 0)) == NULL ||
	    imsgrec_channel(rec, &ch, 1, "one", 0, "two") == -1 ||
	    imsg_compose(&ch, 7, 0, 0, -1, "hello", 5) != 1 ||
	    imsgbuf_flush(&ch) == -1)
		return 1;
	imsgbuf_clear(&ch);
	return imsgrec_close(rec) == -1;
}
END
echo 'enum imsg_type { IMSG_NONE, IMSG_HELLO = 7 };' >"$tmp/hello.h"

# recorder FLAGS...: a program that writes what it sends to a capture
recorder()
{
	rm -f "$tmp/capture"
	flags=$(pkg-config "$@" --cflags --libs libimsgrec) &&
	    eval "$cc -Wall -Wextra -Werror $runtime $more -o '$tmp/recorder' \
	    '$tmp/record.c' $flags"
}

# records DIRECTORY: it runs with the library there
records()
{
	env LD_LIBRARY_PATH="$1" $wrapper "$tmp/recorder" "$tmp/capture" &&
	    [ -s "$tmp/capture" ]
}

# imsgdump PREFIX LIBDIR ARGUMENTS...
imsgdump()
{
	dump_prefix=$1
	dump_libdir=$2
	shift 2
	env LD_LIBRARY_PATH="$dump_libdir" $wrapper \
	    "$dump_prefix/bin/imsgdump" "$@"
}

says_version()
{
	version=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$src/meson.build")
	[ "$(imsgdump "$@" --version)" = "imsgdump $version" ]
}

# shows WORD PREFIX LIBDIR ARGUMENTS...: in the capture
shows()
{
	shows_word=$1
	shift
	imsgdump "$@" -r "$tmp/capture" >"$tmp/shown" &&
	    grep -q " $shows_word .*len=21" "$tmp/shown"
}

# names_found PREFIX: the helper is where this imsgdump looks for it
names_found()
{
	helper=$(find "$1" -path '*/imsgdump/imsgdump-names') &&
	    [ -x "$helper" ] &&
	    grep -qaF "${helper#"$root"}" "$1/bin/imsgdump"
}

if [ -f "$libdir/libimsgrec.a" ]; then
	check "<imsgrec.h> and pkg-config libimsgrec build a program" recorder
	runs "... which records its messages" records "$libdir"
	check "the dissector for Wireshark is installed" sh -c \
	    "[ -s \"\$(find '$root' -path '*/share/imsgdump/imsg.lua')\" ]"
else
	skip "libimsgrec" "this build leaves the tools out"
fi
bin=$(find "$root" -name imsgdump -path '*/bin/*')
prefix=${bin%/bin/imsgdump}
if [ -n "$bin" ]; then
	runs "imsgdump --version" says_version "$prefix" "$libdir"
	runs "imsgdump -r shows the message" shows '7 -' "$prefix" "$libdir"
	for f in bash-completion/completions/imsgdump \
	    zsh/site-functions/_imsgdump man/man1/imsgdump.1; do
		check "share/$f is installed" test -s "$prefix/share/$f"
	done
	if [ -x "$build/tools/imsgdump/imsgdump-names" ]; then
		check "imsgdump-names is where imsgdump looks for it" \
		    names_found "$prefix"
	else
		skip "imsgdump-names" "this build has no libclang"
	fi
else
	skip "imsgdump" "this build leaves it out"
fi

# A program of tomorrow, which uses what this library has not, must say so
# before it starts: that is what the version of each symbol is for.
tomorrow()
{
	mkdir -p "$tmp/tomorrow"
	echo 'LIBIMSG_1.0 { }; LIBIMSG_1.9 { imsg_tomorrow; } LIBIMSG_1.0;' \
	    >"$tmp/map"
	echo 'int imsg_tomorrow(void); int imsg_tomorrow(void) { return 0; }' |
	    $cc -shared -fPIC -Wl,-soname,libimsg.so.1 \
	    -Wl,--version-script="$tmp/map" \
	    -o "$tmp/tomorrow/libimsg.so" -x c - &&
	    echo 'int imsg_tomorrow(void);
	    int main(void) { return imsg_tomorrow(); }' |
	    $cc -o "$tmp/late" -x c - -L"$tmp/tomorrow" -limsg || return
	! env LD_LIBRARY_PATH="$libdir" $wrapper "$tmp/late" 2>"$tmp/err" ||
	    return
	cat "$tmp/err"
}
runs "a program of tomorrow does not start with this library" tomorrow
runs "... and is told what is missing" \
    grep -qE 'LIBIMSG_1\.9|imsg_tomorrow' "$tmp/err"

unset PKG_CONFIG_SYSROOT_DIR
PKG_CONFIG_PATH=$build/meson-uninstalled
for name in libimsg libimsg78; do
	check "uninstalled: $name builds the README program" program $name
	runs "uninstalled: it runs ($name)" hello "$build/src"
done
check "uninstalled: libimsg78 asks for API 78" \
    sh -c 'pkg-config --cflags libimsg78 | grep -q IMSG_API_VERSION=78'
for a in $addons; do
	check "uninstalled: libimsg-$a builds a program" addon $a
	runs_addon "uninstalled: it runs" $a \
	    "$build/src:$build/loop:$build/proc"
done

# The rest is about Meson more than about the system that is built for.
if grep -q '^cross_file' "$build/meson-private/cmd_line.txt"; then
	skip "other builds, and subprojects" "not with a cross compiler"
	done_testing
fi

# From here on libraries of other builds, which have no sanitizer.
runtime=

# A tree without .git, as a tarball has it, somewhere with a space.
tree="$tmp/a tree"
mkdir "$tree"
tarball()
{
	# No list if it lies untracked in somebody else's repository.
	(cd "$src" && { git ls-files 2>/dev/null | grep . ||
	    find . -name 'build*' -prune -o -name .git -prune -o \
	    -type f -print; }) >"$tmp/files"
	tar -cf - -C "$src" -T "$tmp/files" | tar -xf - -C "$tree" &&
	    [ -f "$tree/m4/libimsg.m4" ] && [ ! -e "$tree/.git" ]
}

# fresh MESON_OPTIONS...: built from there and put into $tmp/dest, or if that is
# part of the prefix where it belongs
fresh()
{
	rm -rf "$tmp/b" "$tmp/dest"
	dest=$tmp/dest
	case "$*" in
	*"--prefix=$dest"*)
		dest= ;;
	esac
	CC=$cc meson setup "$tmp/b" "$tree" -Dtests=disabled \
	    -Dexamples=disabled -Dtools=disabled -Dsandbox=$sandbox \
	    -Dbuildtype=plain $no_addons "$@" &&
	    ninja -C "$tmp/b" && DESTDIR=$dest meson install -C "$tmp/b"
}

# Where there is neither, as far as Meson is told, whose name for pkg-config
# has changed.
{
	echo '[binaries]'
	for f in pkgconfig pkg-config pcap-config cmake; do
		echo "$f = '/nonexistent'"
	done
} >"$tmp/bare"
# This compiler may have none, though the machine does.
as_here=
[ -n "$bin" ] || as_here=--native-file=$tmp/bare

# Moves what was installed and points pkg-config there.
moved()
{
	rm -rf "$tmp/moved here"
	mv "$tmp/dest/odd prefix" "$tmp/moved here" &&
	    here=$(find "$tmp/moved here" -name libimsg.pc) &&
	    PKG_CONFIG_PATH=${here%/*} && here=${here%/pkgconfig/*}
}

check "the sources without .git" tarball
check "a prefix with a space" fresh --prefix="/odd prefix" --libdir=lib
for f in include/imsg.h lib/libimsg.so lib/libimsg.so.1 lib/libimsg.a \
    lib/pkgconfig/libimsg.pc lib/pkgconfig/libimsg78.pc \
    share/aclocal/libimsg.m4 share/man/man3/imsg.3; do
	check "... has $f" test -s "$tmp/dest/odd prefix/$f"
done
check "... has nothing of the tools with -Dtools=disabled" sh -c "
    ! grep 'tools/.*[.]c' '$tmp/b/build.ninja' &&
    [ -z \"\$(find '$tmp/dest' -name '*imsgrec*' -o -name '*imsgdump*')\" ]"
find "$tmp/dest" ! -type d ! -path "$tmp/dest/odd prefix/*" >"$tmp/stray"
for a in $addons; do
	for f in include/imsg_$a.h lib/libimsg-$a.so.1 lib/libimsg-$a.a \
	    lib/pkgconfig/libimsg-$a.pc share/man/man3/imsg_$a.3; do
		check "... has $f" test -s "$tmp/dest/odd prefix/$f"
	done
done
check "... exports versioned symbols" sh -c \
    "${NM:-nm} -D '$tmp/dest/odd prefix/lib/libimsg.so' | grep -q '@@LIBIMSG_1\.0'"
check "... and nothing beside it" test ! -s "$tmp/stray"
moved
check "moved, pkg-config --define-prefix finds it" \
    program libimsg --define-prefix
check "... and it runs" hello "$here"
for a in $addons; do
	check "... libimsg-$a, too" addon $a --define-prefix
	check "... which runs" answers $a "$here"
done
if echo 'int main(void) { return 0; }' |
    $cc -static -o "$tmp/nothing" -x c - 2>/dev/null; then
	more=-static
	for name in libimsg libimsg78; do
		check "pkg-config --static, cc -static ($name)" \
		    program $name --define-prefix --static
		check "... needs no library to run ($name)" hello /nonexistent
	done
	for a in $addons; do
		check "pkg-config --static, cc -static (libimsg-$a)" \
		    addon $a --define-prefix --static
		check "... needs no library to run (libimsg-$a)" \
		    answers $a /nonexistent
	done
	more=
else
	skip "cc -static" "there is no static libc"
fi

check "an odd libdir, relocatable" fresh --prefix="/odd prefix" \
    -Daddons=disabled --libdir=lib/some/where -Dpkgconfig.relocatable=true
check "... has no add-ons with -Daddons=disabled" sh -c "
    [ -z \"\$(find '$tmp/dest' -name '*imsg[-_]loop*' -o \
    -name '*imsg[-_]proc*' -o -name 'imsg_call*' -o -name 'imsgloop*')\" ]"
moved
check "... is found wherever it is" program libimsg78
check "... and runs" hello "$tmp/moved here/lib/some/where"

check "-Ddefault_library=static" fresh --prefix="/odd prefix" \
    -Ddefault_library=static -Dtools=auto $as_here --libdir=lib
check "... has no shared library" \
    sh -c "[ -z \"\$(find '$tmp/dest' -name '*.so*')\" ]"
moved
check "... and links" program libimsg --define-prefix
check "... without one" refuses needs_library "$tmp/program"
for a in $addons; do
	check "... libimsg-$a, too" addon $a --define-prefix --static
	check "... which runs" answers $a /nonexistent
done
check "... libimsgrec, too" recorder --define-prefix
check "... which records" records /nonexistent
if [ -x "$tmp/moved here/bin/imsgdump" ]; then
	check "... imsgdump needs no library of ours" \
	    shows '7 -' "$tmp/moved here" /nonexistent
else
	skip "... imsgdump" "it is left out"
fi
real="$tmp/dest/real prefix"
check "-Ddefault_library=shared" fresh --prefix="$real" \
    -Daddons=disabled -Ddefault_library=shared -Dtools=auto $as_here --libdir=lib
check "... has the shared library" test -s "$real/lib/libimsg.so"
if [ -x "$(find "$real" -name imsgdump-names)" ]; then
	check "... imsgdump -H finds its helper" \
	    shows '7 IMSG_HELLO' "$real" "$real/lib" -H "$tmp/hello.h"
else
	skip "... imsgdump -H" "no libclang, or imsgdump is left out"
fi

check "without libpcap and jansson" fresh --prefix=/usr --libdir=lib \
    -Dtools=auto --native-file "$tmp/bare"
check "... Meson says that imsgdump is left out" \
    grep -q 'no libpcap and no jansson: imsgdump is left out' \
    "$tmp/b/meson-logs/meson-log.txt"
check "... and it is" test ! -e "$tmp/dest/usr/bin/imsgdump"
check "... but libimsgrec needs neither" test -s \
    "$tmp/dest/usr/lib/libimsgrec.a"
for a in $addons; do
	check "... libimsg-$a is there, too, without libseccomp" test -s \
	    "$tmp/dest/usr/lib/libimsg-$a.a"
	check "... and does not ask for it" sh -c \
	    "! grep -q seccomp '$tmp/dest/usr/lib/pkgconfig/libimsg-$a.pc'"
done
check "-Dtools=enabled fails there" refuses fresh -Dtools=enabled \
    --native-file "$tmp/bare"
check "-Dsandbox=enabled fails there" refuses fresh -Dsandbox=enabled \
    --native-file "$tmp/bare"
# Subprojects.  Whatever the machine has installed must not count.
unset PKG_CONFIG_PATH
PKG_CONFIG_LIBDIR=/nonexistent
export PKG_CONFIG_LIBDIR
mkdir -p "$tmp/project/subprojects"
cp "$src/examples/readme.c" "$src"/tests/installed-*.c "$tmp/project"

# parent FALLBACK [ADDON...]: a project that wants the library under both names,
# and these
parent()
{
	fallback=$1
	shift
	cat >"$tmp/project/meson.build" <<-END
	project('program', 'c', default_options: 'c_std=gnu11')
	foreach name : ['libimsg', 'libimsg78']
	  executable('with-' + name, 'readme.c',
	    dependencies: dependency(name$fallback))
	endforeach
	foreach name : '$*'.split()
	  executable('installed-' + name, 'installed-' + name + '.c',
	    dependencies: dependency('libimsg-' + name$fallback))
	endforeach
	END
}

# subproject MESON_OPTIONS...
subproject()
{
	rm -rf "$tmp/b"
	CC=$cc meson setup "$tmp/b" "$tmp/project" -Dbuildtype=plain "$@" &&
	    ninja -C "$tmp/b" && hello /nonexistent "$tmp/b/with-libimsg" &&
	    hello /nonexistent "$tmp/b/with-libimsg78"
}

mv "$tree" "$tmp/project/subprojects/libimsg"
parent ", fallback: 'libimsg'"
check "works as a Meson subproject" subproject
check "... shared" needs_library "$tmp/b/with-libimsg78"
# installs COUNT: so many files of the library's
installs()
{
	rm -rf "$tmp/dest"
	DESTDIR=$tmp/dest meson install -C "$tmp/b" &&
	    [ "$(find "$tmp/dest" ! -type d | wc -l)" -eq "$1" ]
}
check "... and is all that is installed" installs 3
check "... and leaves the tests out" test ! -e \
    "$tmp/b/subprojects/libimsg/tests"
check "... and what it does not use" test ! -e \
    "$tmp/b/subprojects/libimsg/proc/libimsg-proc.a"
for option in -Ddefault_library=static -Dlibimsg:default_library=static; do
	check "works as a Meson subproject, $option" subproject $option
	check "... static" refuses needs_library "$tmp/b/with-libimsg78"
	check "... and nothing is installed" installs 0
done
api()
{
	grep -A 3 '^build with-libimsg78.p/' "$tmp/b/build.ninja" |
	    grep -q IMSG_API_VERSION=78 &&
	    ! grep -A 3 '^build with-libimsg.p/' "$tmp/b/build.ninja" |
	    grep -q IMSG_API_VERSION
}
check "each name has its API" api

# with_addons MESON_OPTIONS...
with_addons()
{
	subproject "$@" && for a in $addons; do
		[ "$(env LD_LIBRARY_PATH=/nonexistent \
		    "$tmp/b/installed-$a")" = "answer: hello" ] || return
	done
}
if [ -n "$addons" ]; then
	parent ", fallback: 'libimsg'" $addons
	check "the add-ons of a Meson subproject" with_addons
	check "... are in the programs, and not installed" installs 3
	check "... are not there with -Dlibimsg:addons=disabled" \
	    refuses subproject -Dlibimsg:addons=disabled
fi

# With a wrap file, by git, without fallback in the call.
if command -v git >/dev/null 2>&1; then
	mv "$tmp/project/subprojects/libimsg" "$tmp/upstream"
	repository()
	{
		git init -q "$tmp/upstream" && git -C "$tmp/upstream" add -A &&
		    git -C "$tmp/upstream" -c user.name=test \
		    -c user.email=test@localhost commit -q -m 1.0.0 &&
		    git -C "$tmp/upstream" tag v1.0.0
	}
	check "a repository to wrap" repository
	cat >"$tmp/project/subprojects/libimsg.wrap" <<-END
	[wrap-git]
	url = file://$tmp/upstream
	revision = v1.0.0
	depth = 1

	[provide]
	dependency_names = libimsg, libimsg78, libimsg-loop, libimsg-proc
	END
	parent '' $addons
	check "works with a wrap file" with_addons -Ddefault_library=static
else
	skip "works with a wrap file" "no git"
fi

done_testing
