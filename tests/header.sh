#!/bin/sh
# SPDX-License-Identifier: ISC
#
# header.sh SOURCE_DIR CC: the public headers compile everywhere they promise
# to, and declare nothing that is not documented.
src=$1
cc=$2
. "$src/tests/tap.sh"

strict="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only"

# compile STANDARD FLAGS...: the program on standard input
compile()
{
	std=$1
	shift
	$cc -x c "-std=$std" $strict -I"$src/include" "$@" -
}

cxx_compile()
{
	std=$1
	shift
	$cxx -x c++ "-std=$std" $strict -I"$src/include" "$@" -
}

for v in 77 78; do
	for std in c99 c11 gnu11; do
		echo '#include <imsg.h>
		int main(void) { return IMSG_HEADER_SIZE != 16; }' >"$tmp/a.c"
		check "alone, $std, API $v" compile $std \
		    -DIMSG_API_VERSION=$v <"$tmp/a.c"
	done
done

cat >"$tmp/queue.c" <<'END'
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/uio.h>
#include <stdint.h>
#include <imsg.h>
TAILQ_HEAD(list, ibuf);
void put(struct list *, struct ibuf *);
void put(struct list *l, struct ibuf *b) { (void)l; (void)b; }
END
if echo '#include <sys/queue.h>' | $cc -x c -fsyntax-only - 2>/dev/null; then
	check "after sys/queue.h" compile c11 <"$tmp/queue.c"
	sed '1,4d' "$tmp/queue.c" | sed '1a #include <sys/queue.h>' \
	    >"$tmp/queue2.c"
	check "before sys/queue.h" compile c11 <"$tmp/queue2.c"
else
	skip "after sys/queue.h" "this system has none"
fi

echo '#include <imsg.h>' >"$tmp/b.c"
# says WORDS STANDARD FLAGS...: it does not compile, and these are the words
says()
{
	words=$1
	shift
	! compile "$@" 2>"$tmp/err" && cat "$tmp/err" &&
	    grep -qF "$words" "$tmp/err"
}
for v in 0 1 76 79 770; do
	check "API version $v is refused, with words" \
	    says "must be 77 (OpenBSD 7.7) or 78 (OpenBSD 7.8)" c11 \
	    -DIMSG_API_VERSION=$v <"$tmp/b.c"
done
check "an empty API version is refused" refuses compile c11 \
    -DIMSG_API_VERSION= <"$tmp/b.c"

# Names that programs in the field define themselves.
cat >"$tmp/field.c" <<'END'
#include <imsg.h>
struct imsgev { struct imsgbuf ibuf; void (*handler)(int, short, void *); };
struct ibuf_read { int x; };
struct imsg_fd { int fd; };
int imsg_compose_event(struct imsgev *);
int imsg_compose_event(struct imsgev *e) { return e == NULL; }
void imsg_event_add(struct imsgev *);
void imsg_event_add(struct imsgev *e) { (void)e; }
void imsg_dispatch(int, short, void *);
void imsg_dispatch(int a, short b, void *c) { (void)a; (void)b; (void)c; }
struct ibuf *ibuf_new(const void *, size_t);
struct ibuf *ibuf_new(const void *p, size_t n) { (void)p; (void)n; return 0; }
struct ibuf *ibuf_dup(struct ibuf *);
struct ibuf *ibuf_dup(struct ibuf *b) { return b; }
size_t ibuf_length(struct ibuf *);
size_t ibuf_length(struct ibuf *b) { return ibuf_size(b); }
int ibuf_getdata(void), ibuf_random(void), ibuf_setsize(void);
int ibuf_getdata(void) { return 0; }
int ibuf_random(void) { return 0; }
int ibuf_setsize(void) { return 0; }
END
check "leaves the names of programs alone" compile c11 <"$tmp/field.c"

cat >"$tmp/layout.c" <<'END'
#include <imsg.h>
#define S(e) _Static_assert(e, #e)
S(sizeof(struct imsg_hdr) == 16 && IMSG_HEADER_SIZE == 16);
S(offsetof(struct imsg_hdr, type) == 0 && offsetof(struct imsg_hdr, len) == 4);
S(offsetof(struct imsg_hdr, peerid) == 8 && offsetof(struct imsg_hdr, pid) == 12);
S(sizeof(((struct imsg_hdr *)0)->type) == 4 && (uint32_t)-1 > 0);
S(MAX_IMSGSIZE == 16384 && IBUF_READ_SIZE == 65535);
S(offsetof(struct imsgbuf, w) == 0);
S(offsetof(struct imsgbuf, pid) < offsetof(struct imsgbuf, maxsize));
S(offsetof(struct imsgbuf, maxsize) < offsetof(struct imsgbuf, fd));
S(offsetof(struct imsgbuf, fd) < offsetof(struct imsgbuf, flags));
S(offsetof(struct imsg, hdr) == 0);
S(offsetof(struct imsg, data) < offsetof(struct imsg, buf));
S(offsetof(struct ibuf, entry) == 0);
S(offsetof(struct ibuf, buf) == 2 * sizeof(void *));
S(offsetof(struct ibuf, size) < offsetof(struct ibuf, max));
S(offsetof(struct ibuf, max) < offsetof(struct ibuf, wpos));
S(offsetof(struct ibuf, wpos) < offsetof(struct ibuf, rpos));
S(offsetof(struct ibuf, rpos) < offsetof(struct ibuf, fd));
S(IMSG_FD_NONE == 0 && IMSG_VERSION >= 10000);
_Static_assert(_Generic(IMSG_HEADER_SIZE, size_t: 1, default: 0), "size_t");
END
check "structures and constants are as documented" compile c11 <"$tmp/layout.c"

# The C++ compiler beside this one, with the same options; for the machine's
# own C compiler any other will do, too.
others=
case $cc in
cc | gcc | clang)
	others="c++ g++ clang++" ;;
esac
cxx=
beside=$(echo "${cc%% *}" |
    sed 's/gcc\([-0-9.]*\)$/g++\1/; s/clang\([-0-9.]*\)$/clang++\1/')
[ "$beside" = "${cc%% *}" ] && beside=
for c in $beside $others; do
	if command -v $c >/dev/null 2>&1; then
		cxx=$c${cc#"${cc%% *}"}
		break
	fi
done
if [ -n "$cxx" ]; then
	for std in c++11 c++17; do
		check "alone, $std" cxx_compile $std <"$tmp/a.c"
	done
else
	skip "alone, C++" "no C++ compiler that belongs to $cc"
fi

# Programs keep a directory of their own in front of the system's.  In it is an
# imsg.h that goes on to ours and adds to it, whatever its guard is called, and
# a sys/queue.h.
mkdir -p "$tmp/compat/sys"
cat >"$tmp/compat/sys/queue.h" <<'END'
#ifndef COMPAT_QUEUE_H
#define COMPAT_QUEUE_H
#define TAILQ_HEAD(name, type) \
struct name { struct type *tqh_first; struct type **tqh_last; }
#endif
END
cat >"$tmp/front.c" <<'END'
#include <sys/queue.h>
#include <imsg.h>
#if !defined(COMPAT_QUEUE_H) || !defined(COMPAT_VERSION)
#error "not the headers of compat/"
#endif
#if IMSG_VERSION < 10000 || IMSG_API_VERSION != COMPAT_VERSION
#error "not the header of the library"
#endif
TAILQ_HEAD(list, ibuf);
int main(void)
{
	struct imsgbuf b;
	struct list l;

	l.tqh_first = 0;
	return compat_init(&b, 0) == -1 || l.tqh_first != 0;
}
END
sed -e '1d' -e '2a #include <sys/queue.h>' "$tmp/front.c" >"$tmp/front2.c"
sed 's/<imsg\.h>/"imsg.h"/' "$tmp/front.c" >"$tmp/compat/quoted.c"

additions()
{
	cat <<-'END'
	#define COMPAT_VERSION 78
	static inline int compat_init(struct imsgbuf *b, int fd)
	{ return imsgbuf_init(b, fd); }
	END
}

# wrapper GUARD: compat/imsg.h with the usual guard around it
wrapper()
{
	{
		printf '#ifndef %s\n#define %s\n' "$1" "$1"
		echo '#define IMSG_API_VERSION 78'
		echo '#include_next <imsg.h>'
		additions
		echo '#endif'
	} >"$tmp/compat/imsg.h"
}

# wrapper_above GUARD: #include_next stands above it, which also works for
# files of compat/ that say "imsg.h": those find this file twice.  The pragma
# is for programs compiled with -Wpedantic.
wrapper_above()
{
	{
		echo '#pragma GCC system_header'
		printf '#ifndef %s\n' "$1"
		echo '#define IMSG_API_VERSION 78'
		printf '#endif\n#include_next <imsg.h>\n#ifndef %s\n' "$1"
		printf '#define %s\n' "$1"
		additions
		echo '#endif'
	} >"$tmp/compat/imsg.h"
}

# in_front WRITE "COMPILER FLAGS" FILE...
in_front()
{
	write=$1
	with=$2
	shift 2
	for guard in _IMSG_H_ IMSG_H COMPAT_IMSG_H _COMPAT_IMSG_H; do
		$write $guard
		for where in -I -isystem; do
			$with -Wall -Wextra -Wundef -Wshadow -Werror \
			    -fsyntax-only -I"$tmp/compat" \
			    $where "$src/include" "$@" || {
				echo "guard $guard, $where"
				return 1
			}
		done
	done
}

for c in gcc clang; do
	case $c in
	gcc) cplus=g++ ;;
	clang) cplus=clang++ ;;
	esac
	for with in "$c -x c -std=c99" "$cplus -x c++ -std=c++11"; do
		if ! command -v ${with%% *} >/dev/null 2>&1; then
			skip "compat/imsg.h in front, $with" "no ${with%% *}"
			continue
		fi
		check "compat/imsg.h in front, $with" in_front wrapper \
		    "$with" "$tmp/front.c"
		check "... #include_next first, -Wpedantic, quoted, $with" \
		    in_front wrapper_above "$with -Wpedantic" \
		    "$tmp/front2.c" "$tmp/compat/quoted.c"
	done
done

# Macros: those that the header adds to what its own includes define.
$cc -dM -E -I"$src/include" -x c "$tmp/b.c" | sort >"$tmp/with"
sed -n 's/^#include </#include </p' "$src/include/imsg.h" >"$tmp/c.c"
$cc -dM -E -x c "$tmp/c.c" | sort >"$tmp/without"
comm -23 "$tmp/with" "$tmp/without" | awk '{print $2}' | sed 's/(.*//' |
    sort >"$tmp/macros"
sort >"$tmp/expected" <<'END'
IBUF_READ_SIZE
IMSG_API_VERSION
IMSG_FD_LOST
IMSG_FD_NONE
IMSG_FD_PRESENT
IMSG_FD_TAKEN
IMSG_HEADER_SIZE
IMSG_TRACE_DROPPED
IMSG_TRACE_FD_LOST
IMSG_TRACE_QUEUED
IMSG_TRACE_RECEIVED
IMSG_TRACE_SENT
IMSG_TRACE_UNREAD
IMSG_VERSION
IMSG_WIRE_CLASSIC
IMSG_WIRE_MODERN
LIBIMSG_IMSG_H
MAX_IMSGSIZE
END
check "defines only the documented macros" diff "$tmp/expected" "$tmp/macros"

# Functions: the declarations after preprocessing, against the documents.
$cc -E -P -I"$src/include" -x c "$tmp/b.c" | tr '\n' ' ' | tr ';' '\n' |
    grep -v '\btypedef\b' |
    grep -oE '\b(ibufq?|msgbuf|imsgbuf|imsg)_[a-z0-9_]+ ?\(' |
    tr -d ' (' | sort -u >"$tmp/functions"
symbols_of libimsg >"$tmp/documented"
check "declares exactly the documented functions" \
    diff "$tmp/documented" "$tmp/functions"

#
# The headers of the add-ons
#

for h in imsg_loop imsg_call imsg_proc imsg_loop_event; do
	echo "#include <$h.h>
	int main(void) { return IMSGLOOP_EOF == 0; }" >"$tmp/$h.c"
	# The adapter is of use only where there is libevent.
	if [ $h = imsg_loop_event ] &&
	    ! echo '#include <event2/event.h>' |
	    $cc -x c -fsyntax-only - 2>/dev/null; then
		skip "$h.h" "no libevent for $cc"
		continue
	fi
	for std in c99 c11 gnu11; do
		check "$h.h alone, $std" compile $std <"$tmp/$h.c"
	done
	check "$h.h with API 78" compile c99 -DIMSG_API_VERSION=78 <"$tmp/$h.c"
	check "$h.h twice, after the others" compile c11 <<-END
		#include <imsg_call.h>
		#include <imsg_proc.h>
		#include <$h.h>
		#include <$h.h>
	END
	[ -n "$cxx" ] ||
	    skip "$h.h alone, C++" "no C++ compiler that belongs to $cc"
	for std in ${cxx:+c++11 c++14 c++17 c++20}; do
		if echo | $cxx -x c++ -std=$std -fsyntax-only - 2>/dev/null
		then
			check "$h.h alone, $std" cxx_compile $std <"$tmp/$h.c"
		else
			skip "$h.h alone, $std" "$cxx does not know it"
		fi
	done
	# What it adds to all that it includes begins with its own names.
	grep '^#include <' "$src/include/$h.h" >"$tmp/c.c"
	$cc -dM -E -I"$src/include" -x c "$tmp/c.c" | sort >"$tmp/without"
	$cc -dM -E -I"$src/include" -x c "$tmp/$h.c" | sort |
	    comm -13 "$tmp/without" - | awk '{ print $2 }' >"$tmp/macros"
	check "$h.h defines macros of its own name only" refuses grep -vE \
	    "^(LIBIMSG_IMSG_[A-Z]+(_EVENT)?_H$|$(echo ${h%_event} |
	    tr -d _ | tr a-z A-Z)_)" "$tmp/macros"
done
{
	echo '#include <imsg_call.h>'
	echo '#include <imsg_proc.h>'
	cat "$tmp/field.c"
} >"$tmp/field2.c"
check "they leave the names of programs alone, too" compile c11 <"$tmp/field2.c"

# declared HEADER...: the functions and variables that they declare
declared()
{
	for h; do
		echo "#include <$h>"
	done | $cc -E -P -I"$src/include" -x c - | tr '\n' ' ' | tr ';' '\n' |
	    grep -v '\btypedef\b' >"$tmp/declarations"
	grep -oE '\bimsg(loop|call|proc)_[a-z0-9_]+ ?\(' "$tmp/declarations" |
	    tr -d ' ('
	sed -n 's/^ *extern .*[ *]\([a-z0-9_]*\) *$/\1/p' "$tmp/declarations" |
	    grep ^imsg
}
declared imsg_loop.h imsg_call.h | sort -u >"$tmp/functions"
symbols_of libimsg-loop >"$tmp/documented"
check "imsg_loop.h and imsg_call.h declare what is documented" \
    diff "$tmp/documented" "$tmp/functions"
declared imsg_proc.h | grep ^imsgproc_ | sort -u >"$tmp/functions"
symbols_of libimsg-proc >"$tmp/documented"
check "imsg_proc.h declares what is documented" \
    diff "$tmp/documented" "$tmp/functions"
done_testing
