#!/bin/sh
# SPDX-License-Identifier: ISC
#
# autoconf.sh SOURCE_DIR BUILD_DIR CC [FLAGS]: configure scripts find the
# library: those with m4/libimsg.m4, which must also say what is missing where
# something is, and those with the probes that programs have today.
src=$1
build=$2
cc=$3
flags=${4:-}
. "$src/tests/tap.sh"

for c in autoconf aclocal make pkg-config; do
	command -v $c >/dev/null 2>&1 || {
		echo "1..0 # SKIP no $c"
		exit 0
	}
done
unset PKG_CONFIG_PATH PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR PKG_CONFIG \
    LIBIMSG_CFLAGS LIBIMSG_LIBS LIBS LDFLAGS CPPFLAGS CFLAGS CONFIG_SITE
LC_ALL=C
export LC_ALL

root=$tmp/root
check "installs" meson install -C "$build" --no-rebuild --destdir "$root"
pc=$(find "$root" -name libimsg.pc)
m4=$(find "$root" -path '*/share/aclocal/libimsg.m4')
libdir=${pc%/pkgconfig/*}
incdir=$(dirname "$(find "$root" -name imsg.h)")
check "libimsg.m4 is installed where aclocal looks" test -s "$m4"
[ -s "$m4" ] || done_testing

# project NAME: generates its configure from configure.ac on standard input
project()
{
	mkdir -p "$tmp/$1"
	cat >"$tmp/$1/configure.ac"
	(cd "$tmp/$1" && aclocal -Wall -Werror -I "${m4%/*}" &&
	    autoconf -Wall -Werror)
}

# configure PROJECT ARGUMENTS...: in a directory of its own.  Its own programs
# run with the library if LIBS says so.
configure()
{
	rm -rf "$tmp/b"
	mkdir "$tmp/b"
	name=$1
	shift
	(cd "$tmp/b" && LD_LIBRARY_PATH=$libdir "$tmp/$name/configure" \
	    CC="$cc" CFLAGS="-g $flags" "$@" 2>&1) | tee "$tmp/log"
	[ -f "$tmp/b/config.status" ]
}

# builds API: and what it builds speaks with the library
builds()
{
	make -s -C "$tmp/b" &&
	    [ "$(LD_LIBRARY_PATH=$libdir "$tmp/b/program")" = "$1 1" ]
}

# finds API CONFIGURE_ARGUMENTS...
finds()
{
	api=$1
	shift
	configure plain API="$api" "$@" && builds "$api"
}

# fails WORDS CONFIGURE_ARGUMENTS...: an error with these words, in one line
fails()
{
	words=$1
	shift
	! configure plain "$@" && grep -q "^configure: error: " "$tmp/log" &&
	    sed '1,/^configure: error: /d' "$tmp/log" | grep -qF -e "$words"
}

# Some of the functions that the header declares, as a library.
# fake NAME FUNCTION...
fake()
{
	lib=$1
	shift
	mkdir -p "$tmp/fake"
	for f in "$@"; do
		echo "void $f(void); void $f(void) { }"
	done >"$tmp/fake/$lib.c"
	rm -f "$tmp/fake/lib$lib.a"
	$cc $flags -c -o "$tmp/fake/$lib.o" "$tmp/fake/$lib.c" &&
	    ar rc "$tmp/fake/lib$lib.a" "$tmp/fake/$lib.o" &&
	    rm "$tmp/fake/$lib.o"
}

mkdir "$tmp/plain"
cat >"$tmp/plain/program.c" <<'END'
#include <stdio.h>
#include <imsg.h>
int
main(void)
{
	struct imsgbuf b;

	if (imsgbuf_init(&b, 0) == -1)
		return 1;
	imsgbuf_clear(&b);
	printf("%d %d\n", IMSG_API_VERSION, imsg_version() == IMSG_VERSION);
	return 0;
}
END
cat >"$tmp/plain/Makefile.in" <<'END'
VPATH = @srcdir@
program: program.c
	@CC@ @CPPFLAGS@ @LIBIMSG_CFLAGS@ @CFLAGS@ -o program \
	    @srcdir@/program.c @LDFLAGS@ @LIBIMSG_LIBS@ @LIBS@
END
check "aclocal and autoconf have no warnings" project plain <<'END'
AC_INIT([plain], [1])
AC_CONFIG_SRCDIR([program.c])
AC_PROG_CC
IMSG_CHECK_LIBIMSG([], [], [${API-77}], [$FUNCTIONS])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END

# The tests of the compiler itself need no repeating.
configure plain LIBIMSG_CFLAGS="-I$incdir" LIBIMSG_LIBS="-L$libdir -limsg" \
    >/dev/null
grep -E '^ac_cv_(prog_.*cc|c_|objext|exeext)' "$tmp/b/config.log" >"$tmp/site"
CONFIG_SITE=$tmp/site
export CONFIG_SITE

# Where it is.
by_pc="PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root"
no_pc=PKG_CONFIG=false
for api in 77 78; do
	check "by pkg-config, API $api" finds $api $by_pc
	check "without pkg-config, API $api" finds $api $no_pc \
	    CPPFLAGS="-I$incdir" LDFLAGS="-L$libdir"
done
check "--with-libimsg=DIR" finds 77 --with-libimsg="${incdir%/include}"
mkdir -p "$tmp/multi/lib"
ln -s "$incdir" "$tmp/multi/include"
ln -s "$libdir" "$tmp/multi/lib/here"
mkdir "$tmp/multi/lib/there"
: >"$tmp/multi/lib/there/libimsg.so"
check "... of several systems, the one that links" finds 77 \
    --with-libimsg="$tmp/multi"
check "LIBIMSG_CFLAGS and LIBIMSG_LIBS" finds 78 $no_pc \
    LIBIMSG_CFLAGS="-I$incdir" LIBIMSG_LIBS="-L$libdir -limsg"
check "functions beyond the usual ones" finds 77 $by_pc \
    FUNCTIONS="imsgbuf_recv imsg_fd_status"
check "... and one that no header declares" fails \
    "<imsg.h> does not declare imsg_nonesuch" $by_pc FUNCTIONS=imsg_nonesuch

# Where it is not.
check "--with-libimsg of the wrong place" fails \
    "--with-libimsg=/nonexistent: no libimsg in its lib" \
    --with-libimsg=/nonexistent
check "--with-libimsg of nothing" fails \
    "--with-libimsg=: no libimsg in its lib" --with-libimsg=
mkdir "$tmp/a b"
check "--with-libimsg of a name with a space" fails \
    "a name with a space" --with-libimsg="$tmp/a b"
check "--without-libimsg" fails "--without-libimsg was given" \
    --without-libimsg
if echo '#include <imsg.h>' | $cc -E - >/dev/null 2>&1; then
	skip "no library at all" "this system has an <imsg.h>"
else
	check "no library at all" fails "-limsg: no <imsg.h>" $no_pc
	check "... and how to say where it is" grep -q -e --with-libimsg=DIR \
	    "$tmp/log"
fi
check "a header without a library" fails "cannot link with -lnonesuch" \
    LIBIMSG_CFLAGS="-I$incdir" LIBIMSG_LIBS=-lnonesuch
check "an API of the future" fails "does not know IMSG_API_VERSION=79" \
    $by_pc API=79
check "flags for another API" fails "ask for another IMSG_API_VERSION" \
    API=77 LIBIMSG_CFLAGS="-I$incdir -DIMSG_API_VERSION=78" \
    LIBIMSG_LIBS="-L$libdir -limsg"
fake imsg imsgbuf_init imsgbuf_flush imsg_get_fd ibuf_get
missing="declared in <imsg.h>, missing in the library: msgbuf_new_reader"
check "a library without a function that its header declares" \
    fails "$missing" $no_pc CPPFLAGS="-I$incdir" LDFLAGS="-L$tmp/fake"
check "... seen through an optimiser, too" fails "$missing" $no_pc \
    CFLAGS="-O2 -fdata-sections -ffunction-sections -Wl,--gc-sections $flags" \
    CPPFLAGS="-I$incdir" LDFLAGS="-L$tmp/fake"

# A system with OpenBSD's imsg of some release in libutil.
mkdir "$tmp/old"
cat >"$tmp/old/imsg.h" <<'END'
#include <sys/types.h>
struct imsgbuf { int fd; pid_t pid; };
struct ibuf { unsigned char *buf; };
void imsg_init(struct imsgbuf *, int);
struct ibuf *ibuf_open(size_t);
int ibuf_add(struct ibuf *, const void *, size_t);
END
rm -rf "$tmp/fake"
fake util imsg_init ibuf_open ibuf_add
check "imsg_init alone does not do" fails \
    "-lutil: <imsg.h> does not declare imsgbuf_init" \
    $no_pc CPPFLAGS="-I$tmp/old" LDFLAGS="-L$tmp/fake"
check "... because it is old" grep -q \
    '^  -lutil: .*but imsg_init: it is of OpenBSD 7.6 or older$' "$tmp/log"
check "a copy of the old header, today's library" fails \
    "<imsg.h> does not declare imsgbuf_init" $no_pc \
    CPPFLAGS="-I$tmp/old" LDFLAGS="-L$libdir"

# system API: an <imsg.h> of OpenBSD and its libutil
system()
{
	rm -rf "$tmp/sys"
	mkdir -p "$tmp/sys/include" "$tmp/sys/lib"
	ln -s "$libdir/libimsg.so" "$tmp/sys/lib/libutil.so"
	sed -e '/define IMSG_VERSION/d' -e '/imsg_version/d' \
	    "$incdir/imsg.h" >"$tmp/sys/include/imsg.h"
	[ "$1" = 78 ] ||
	    sed -i '/imsgbuf_get(/d' "$tmp/sys/include/imsg.h"
}
for api in 77 78; do
	system $api
	sys="CPPFLAGS=-I$tmp/sys/include LDFLAGS=-L$tmp/sys/lib"
	check "takes the system's own, API $api" configure plain $no_pc \
	    API=$api $sys
	check "... from libutil" grep -q 'with -lutil\.\.\. yes$' "$tmp/log"
done
check "OpenBSD 7.8 is not taken for 7.7" fails \
    "-lutil: the system's, of OpenBSD 7.8 or newer" $no_pc API=77 $sys
system 77
check "OpenBSD 7.7 is not taken for 7.8" fails \
    "-lutil: <imsg.h> does not declare imsgbuf_get" $no_pc API=78 $sys

# A program with a copy of its own goes on.
mkdir "$tmp/copy"
cp "$tmp/plain/program.c" "$tmp/plain/Makefile.in" "$tmp/copy"
check "actions" project copy <<'END'
AC_INIT([copy], [1])
AC_CONFIG_SRCDIR([program.c])
AC_PROG_CC
IMSG_CHECK_LIBIMSG([AC_MSG_NOTICE([found])],
    [AC_MSG_NOTICE([own copy, as $libimsg_why])])
IMSG_CHECK_LIBIMSG([AC_MSG_NOTICE([also for 78])], [:], [78])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
check "an action if it is not there" configure copy --without-libimsg
check "... is taken, with the reason" \
    grep -q "own copy, as no libimsg with the API of OpenBSD 7.7" "$tmp/log"
check "an action if it is there" configure copy $by_pc
check "... is taken" grep -q "found$" "$tmp/log"
check "a second call is not misled by the first" \
    grep -q "also for 78$" "$tmp/log"

# What the configure scripts of programs in the field ask for.
check "probes of programs" project probes <<'END'
AC_INIT([probes], [1])
AC_PROG_CC
save=$LIBS
AC_SEARCH_LIBS([imsg_add], [util imsg], [], [AC_MSG_ERROR([imsg_add])])
LIBS=$save
AC_SEARCH_LIBS([ibuf_open], [util imsg], [], [AC_MSG_ERROR([ibuf_open])])
AC_SEARCH_LIBS([imsgbuf_init], [util imsg], [],
    [AC_MSG_ERROR([imsgbuf_init])])
LIBS=$save
AC_SEARCH_LIBS([msgbuf_new_reader], [util imsg], [],
    [AC_MSG_ERROR([msgbuf_new_reader])])
LIBS=$save
AC_CHECK_LIB([imsg], [imsgbuf_init], [:], [AC_MSG_ERROR([imsgbuf_init])])
AC_CHECK_LIB([imsg], [imsg_add], [:], [AC_MSG_ERROR([imsg_add])])
AC_CHECK_LIB([imsg], [ibuf_open], [], [AC_MSG_ERROR([ibuf_open])])
AC_CHECK_FUNCS([ibuf_open ibuf_add ibuf_get msgbuf_new ibufq_new], [],
    [AC_MSG_ERROR([$ac_func])])
AC_CHECK_FUNCS([imsgbuf_init imsg_add msgbuf_new_reader], [],
    [AC_MSG_ERROR([$ac_func])])
AC_REPLACE_FUNCS([ibuf_open ibuf_add ibuf_get msgbuf_new ibufq_new])
AC_REPLACE_FUNCS([imsg_add imsgbuf_init msgbuf_new_reader])
AS_IF([test -n "$LIB@&t@OBJS"], [AC_MSG_ERROR([replaces $LIB@&t@OBJS])])
AC_CHECK_DECLS([imsgbuf_init, ibuf_open, imsg_add], [],
    [AC_MSG_ERROR([not declared])], [[#include <sys/types.h>
#include <sys/uio.h>
#include <stdint.h>
#include <imsg.h>]])
AC_CHECK_MEMBER([struct imsgbuf.maxsize], [], [AC_MSG_ERROR([maxsize])],
    [[#include <imsg.h>]])
LIBS=$save
AC_SEARCH_LIBS([imsg_init], [util imsg],
    [AC_MSG_ERROR([imsg_init: what is that?])])
AC_OUTPUT
END
check "find everything" configure probes \
    CPPFLAGS="-I$incdir" LDFLAGS="-L$libdir"
for f in imsg_add ibuf_open msgbuf_new_reader; do
	check "AC_SEARCH_LIBS finds $f in -limsg" \
	    grep -q "library containing $f\.\.\. -limsg$" "$tmp/log"
done
check "AC_SEARCH_LIBS finds no imsg_init" \
    grep -q 'library containing imsg_init\.\.\. no$' "$tmp/log"
check "LIBS=-limsg is enough where only libutil is probed" \
    configure probes CPPFLAGS="-I$incdir" LDFLAGS="-L$libdir" LIBS=-limsg
check "... without looking further" \
    grep -q 'library containing ibuf_open\.\.\. none required$' "$tmp/log"

# A configure script written by hand tries a program with one library after
# the other.
cat >"$tmp/probe.c" <<'END'
#include <sys/types.h>
#include <sys/uio.h>
#include <stdint.h>
#include <imsg.h>
int
main(void)
{
	struct imsgbuf b;

	if (imsgbuf_init(&b, -1) == -1 || imsgbuf_read(&b) != -1)
		return 1;
	imsgbuf_clear(&b);
	return 0;
}
END
by_hand()
{
	for lib in '' -lutil -limsg; do
		$cc $flags -Wall -Werror -I"$incdir" -o "$tmp/probe" \
		    "$tmp/probe.c" -L"$libdir" $lib 2>"$tmp/err" || continue
		echo "$lib" >"$tmp/by_hand"
		LD_LIBRARY_PATH=$libdir "$tmp/probe"
		return
	done
	cat "$tmp/err"
	return 1
}
check "a probe by hand compiles, links and runs" by_hand
check "... with -limsg" grep -qx -e -limsg "$tmp/by_hand"
done_testing
