# libimsg.m4 - find libimsg from a configure script		-*- Autoconf -*-
# SPDX-License-Identifier: ISC
#
# serial 1
#
# IMSG_CHECK_LIBIMSG([ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND], [API],
#     [FUNCTIONS])
#
# Looks for the API of OpenBSD 7.7 (API is 77, the default) or of 7.8 (78), and
# for FUNCTIONS beyond it that the program needs, separated by spaces.  A
# library is taken only if its header and the library itself have all of them:
# a libutil with imsg_init, which many probe for, is of OpenBSD 7.6 or older
# and is refused by name.  In this order it tries
#
#   LIBIMSG_CFLAGS, LIBIMSG_LIBS	from the user; one alone is taken as both
#   --with-libimsg=DIR			DIR/include and DIR/lib*
#   pkg-config libimsg			where there is a pkg-config
#   -limsg				where the compiler looks
#   -lutil				OpenBSD's own
#
# and no further than the first of the upper two that was given.  OpenBSD's
# header knows no IMSG_API_VERSION: that of 7.8 is taken for API 78 only, since
# imsgbuf_set_maxsize has another meaning there.
#
# LIBIMSG_CFLAGS and LIBIMSG_LIBS are substituted, with -DIMSG_API_VERSION=API.
# have_libimsg is yes or no; libimsg_why then says what was wrong with each
# place.  Without ACTION-IF-NOT-FOUND configure stops with these words.
#
# A program that must have it:
#
#	AC_PROG_CC
#	IMSG_CHECK_LIBIMSG
#
# One that carries a copy of imsg.c for where there is none:
#
#	AC_CONFIG_LIBOBJ_DIR([libimsg])
#	IMSG_CHECK_LIBIMSG([], [AC_MSG_NOTICE([$libimsg_why])
#	    AC_LIBOBJ([imsg]) LIBIMSG_CFLAGS='-I$(top_srcdir)/libimsg'])
#
# where dist/amalgamate has put imsg.c and imsg.h into libimsg/, and in
# Makefile.am
#
#	AM_CPPFLAGS = $(LIBIMSG_CFLAGS)
#	LDADD = $(LIBOBJS) $(LIBIMSG_LIBS)
#	EXTRA_DIST = libimsg/imsg.h
#
# A program must not be compiled with its own copy of OpenBSD's header and linked
# with this library: delete the copy, or let compat/imsg.h go on to the installed
# one.  The guard can have any name; #include_next stands outside of it so that the files in
# compat/ itself may say "imsg.h":
#
#	#include_next <imsg.h>
#	#ifndef COMPAT_IMSG_H
#	#define COMPAT_IMSG_H
#	/* what the program adds */
#	#endif
#
# To have the macro at hand, copy this file into the program's m4/ directory
# (AC_CONFIG_MACRO_DIRS([m4]), ACLOCAL_AMFLAGS = -I m4): whoever runs autoconf
# need not have installed the library then.

AC_DEFUN([IMSG_CHECK_LIBIMSG], [
AC_ARG_VAR([PKG_CONFIG], [path to pkg-config])
AC_ARG_VAR([LIBIMSG_CFLAGS], [compiler flags for libimsg])
AC_ARG_VAR([LIBIMSG_LIBS], [linker flags for libimsg])
AC_ARG_WITH([libimsg],
    [AS_HELP_STRING([--with-libimsg=DIR], [libimsg is installed below DIR])],
    [], [with_libimsg=yes])
AC_LANG_PUSH([C])
have_libimsg=no
libimsg_why=
libimsg_api=m4_default([$3], [77])
libimsg_release=`echo "$libimsg_api" | sed 's/./&./'`
libimsg_functions="imsgbuf_init imsgbuf_flush imsg_get_fd ibuf_get msgbuf_new_reader"
test "$libimsg_api" -le 77 ||
    libimsg_functions="$libimsg_functions imsgbuf_get ibufq_new"
m4_ifval([$4], [libimsg_functions="$libimsg_functions m4_normalize([$4])"
])dnl
# What an earlier call has found is not the user's.
AS_IF([test "${libimsg_user_libs+set}" != set], [
	libimsg_user_cflags=$LIBIMSG_CFLAGS
	libimsg_user_libs=$LIBIMSG_LIBS
])
AS_IF([test -n "$libimsg_user_cflags$libimsg_user_libs"],
    [_IMSG_TRY([LIBIMSG_LIBS], [$libimsg_user_cflags], [$libimsg_user_libs])],
    [test "$with_libimsg" = no],
    [libimsg_why="
  --without-libimsg was given"],
    [test "$with_libimsg" != yes], [_IMSG_TRY_DIR],
    [_IMSG_TRY_PLACES])
AC_LANG_POP([C])
AS_IF([test "$have_libimsg" = yes], [m4_default([$1], [:])], [
libimsg_why="no libimsg with the API of OpenBSD $libimsg_release:$libimsg_why"
m4_default([$2], [AC_MSG_ERROR([$libimsg_why
Install libimsg, or say where it is: --with-libimsg=DIR, PKG_CONFIG_PATH, or
LIBIMSG_CFLAGS and LIBIMSG_LIBS.  config.log has the details.])])
])
])

# --with-libimsg=DIR: the first of its libraries that links; there may be some
# for other machines.
AC_DEFUN([_IMSG_TRY_DIR], [
libimsg_dir=
test -z "$with_libimsg" || libimsg_dir=`cd "$with_libimsg" 2>/dev/null && pwd`
for libimsg_lib in "$libimsg_dir"/lib "$libimsg_dir"/lib64 "$libimsg_dir"/lib/*
do
	AS_IF([test -n "$libimsg_dir" && test "$have_libimsg" = no &&
	    ls "$libimsg_lib"/libimsg.* >/dev/null 2>&1],
	    [_IMSG_TRY([$libimsg_lib], ["-I$libimsg_dir/include"],
		["-L$libimsg_lib -limsg"])])
done
AS_CASE(["$have_libimsg:$libimsg_why:$libimsg_dir"],
    [no::*\ *], [libimsg_why="
  --with-libimsg=$with_libimsg: a name with a space"],
    [no::*], [libimsg_why="
  --with-libimsg=$with_libimsg: no libimsg in its lib"])
])

# Where it may be if nobody said anything.
AC_DEFUN([_IMSG_TRY_PLACES], [
AS_IF([test -z "$PKG_CONFIG"], [AC_PATH_TOOL([PKG_CONFIG], [pkg-config])])
AS_IF([test -n "$PKG_CONFIG" && "$PKG_CONFIG" --exists libimsg 2>/dev/null],
    [libimsg_cflags=`"$PKG_CONFIG" --cflags libimsg`
    libimsg_libs=`"$PKG_CONFIG" --libs libimsg`
    _IMSG_TRY([pkg-config libimsg], [$libimsg_cflags], [$libimsg_libs])],
    [libimsg_why="
  pkg-config: none, or it knows no libimsg"])
AS_IF([test "$have_libimsg" = no], [_IMSG_TRY([-limsg], [], [-limsg])])
AS_IF([test "$have_libimsg" = no], [_IMSG_TRY([-lutil], [], [-lutil])])
])

# _IMSG_TRY(WORDS, CFLAGS, LIBS): takes this place, or says what is wrong.
AC_DEFUN([_IMSG_TRY], [
AC_MSG_CHECKING([for the imsg of OpenBSD $libimsg_release with $1])
libimsg_bad=
libimsg_cflags=$2
libimsg_libs=$3
AS_CASE([$libimsg_cflags], [*-DIMSG_API_VERSION=*], [],
    [libimsg_cflags="$libimsg_cflags -DIMSG_API_VERSION=$libimsg_api"])
libimsg_save_CPPFLAGS=$CPPFLAGS
libimsg_save_LIBS=$LIBS
CPPFLAGS="$libimsg_cflags $CPPFLAGS"
LIBS="$libimsg_libs $LIBS"
_IMSG_LINK([$libimsg_functions], [_IMSG_CHECK_API], [_IMSG_EXPLAIN])
CPPFLAGS=$libimsg_save_CPPFLAGS
LIBS=$libimsg_save_LIBS
AS_IF([test -z "$libimsg_bad"], [
	AC_MSG_RESULT([yes])
	have_libimsg=yes
	LIBIMSG_CFLAGS=$libimsg_cflags
	LIBIMSG_LIBS=$libimsg_libs
], [
	AC_MSG_RESULT([no: $libimsg_bad])
	libimsg_why="$libimsg_why
  $1: $libimsg_bad"
])
])

# A program that uses these functions as the header declares them.  volatile:
# no optimiser may forget them.
m4_define([_IMSG_PROGRAM], [AC_LANG_SOURCE([[#include <imsg.h>
static void (*volatile libimsg_uses[])(void) = {
`for libimsg_f in $1; do echo "(void (*)(void))$libimsg_f,"; done`
};
int main(void) { return libimsg_uses[0] == 0; }]])])

m4_define([_IMSG_LINK], [AC_LINK_IFELSE([_IMSG_PROGRAM([$1])], [$2], [$3])])

m4_define([_IMSG_COMPILE], [AC_COMPILE_IFELSE([AC_LANG_SOURCE([[$1
int main(void) { return 0; }]])], [$2], [$3])])

# All functions are there.  Ours says which API it speaks, OpenBSD's does not.
AC_DEFUN([_IMSG_CHECK_API], [
_IMSG_COMPILE([#include <imsg.h>
#if defined(IMSG_VERSION) && IMSG_API_VERSION != $libimsg_api
#error "another API"
#endif], [], [libimsg_bad="the flags ask for another IMSG_API_VERSION"])
_IMSG_COMPILE([#include <imsg.h>
#ifdef IMSG_VERSION
#error "libimsg"
#endif], [AS_IF([test "$libimsg_api" -le 77], [_IMSG_LINK([imsgbuf_get],
    [libimsg_bad="the system's, of OpenBSD 7.8 or newer"])])])
])

# What is not there?
AC_DEFUN([_IMSG_EXPLAIN], [
_IMSG_COMPILE([#include <imsg.h>], [_IMSG_EACH], [
_IMSG_COMPILE([#undef IMSG_API_VERSION
#include <imsg.h>],
    [libimsg_bad="its <imsg.h> does not know IMSG_API_VERSION=$libimsg_api"],
    [libimsg_bad="no <imsg.h>, or none that compiles"])])
])

AC_DEFUN([_IMSG_EACH], [
libimsg_undeclared=
libimsg_missing=
for libimsg_one in $libimsg_functions; do
	AC_COMPILE_IFELSE([_IMSG_PROGRAM([$libimsg_one])],
	    [_IMSG_LINK([$libimsg_one], [],
		[libimsg_missing="$libimsg_missing $libimsg_one"])],
	    [libimsg_undeclared="$libimsg_undeclared $libimsg_one"])
done
AC_LINK_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])], [],
    [libimsg_missing=" library"])
AS_IF([test "$libimsg_missing" = " library"],
    [libimsg_bad="there is an <imsg.h>, but cannot link with $libimsg_libs"],
    [test -n "$libimsg_undeclared"],
    [libimsg_bad="<imsg.h> does not declare$libimsg_undeclared"],
    [test -n "$libimsg_missing"],
    [libimsg_bad="declared in <imsg.h>, missing in the library:$libimsg_missing"],
    [libimsg_bad="cannot link a program that uses all of $libimsg_functions"])
AC_COMPILE_IFELSE([_IMSG_PROGRAM([imsg_init])],
    [libimsg_bad="$libimsg_bad; but imsg_init: it is of OpenBSD 7.6 or older"])
])
