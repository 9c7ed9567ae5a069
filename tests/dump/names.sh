#!/bin/sh
# SPDX-License-Identifier: ISC
#
# imsgdump-names: which names it takes from a C source, and which it refuses to
# take since their numbers may be others; with headers of all shapes written
# here, and with those of tmux, OpenBGPD, OpenNTPD and OpenSMTPD.
: "${top:?}" "${builddir:?}"
. "$top/tests/tap.sh"
. "$top/tests/dump/lib-headers"
helper=$builddir/tools/imsgdump/imsgdump-names
tab=$(printf '\t')
if ! [ -x "$helper" ]; then
	skip "names" "imsgdump-names is not built: no libclang"
	done_testing
fi
cd "$tmp" || exit 1

# names SPEC: what it prints in got, what it says in err, how it ends in status.
names()
{
	status=0
	"$helper" "$1" >got 2>err || status=$?
}

show()
{
	echo "# status $status"
	sed 's/^/# got: /' got | head -n 8
	sed 's/^/# err: /' err | head -n 8
}

# gives NAME SPEC NUMBER=NAME...: exactly these and in this order.
gives()
{
	gives_name=$1
	names "$2"
	shift 2
	for n in "$@"; do
		printf '%s\t%s\n' "${n%%=*}" "${n#*=}"
	done >want
	if [ "$status" -eq 0 ] && cmp -s want got; then
		ok "$gives_name"
	else
		not_ok "$gives_name"
		show
	fi
}

# denies NAME SPEC PATTERN: no name, and one line that says why.
denies()
{
	names "$2"
	if [ "$status" -eq 1 ] && ! [ -s got ] &&
	    [ "$(wc -l <err)" -eq 1 ] && grep -q "$3" err; then
		ok "$1"
	else
		not_ok "$1"
		show
	fi
}

uncertain="the numbers are not certain: "

# --- what an enum may look like
cat >gaps.h <<'END'
enum imsg_type { IMSG_A, IMSG_B = 100, IMSG_C, IMSG_D = IMSG_B * 2 + (1 << 3),
    IMSG_E, IMSG_F = 0x10, IMSG_G = 'a', IMSG_H = (int)7, IMSG_I = 1 ? 3 : 4 };
END
gives "gaps, expressions, hexadecimal" gaps.h 0=IMSG_A 100=IMSG_B 101=IMSG_C \
    208=IMSG_D 209=IMSG_E 16=IMSG_F 97=IMSG_G 7=IMSG_H 3=IMSG_I
echo 'enum imsg_type { IMSG_A = -1, IMSG_B, IMSG_C = 0xfffffffe };' >minus.h
gives "a negative number is what it is as a type" minus.h 4294967295=IMSG_A \
    0=IMSG_B 4294967294=IMSG_C
echo 'enum imsg_type { IMSG_A, IMSG_B = 1ULL << 40, IMSG_C = 2 };' >wide.h
gives "a number beyond 32 bits is no type" wide.h 0=IMSG_A 2=IMSG_C
echo 'enum imsg_type { IMSG_A = 1, IMSG_B = 1, IMSG_C };' >twice.h
gives "two names for a number" twice.h 1=IMSG_A 1=IMSG_B 2=IMSG_C
cat >other.h <<'END'
#define BASE 50
enum first { FIRST_LAST = 7 };
enum imsg_type { IMSG_A = FIRST_LAST, IMSG_B = BASE + 1, IMSG_C = sizeof(int) };
END
gives "numbers of macros and of other enums" other.h 7=IMSG_A 51=IMSG_B 4=IMSG_C
cat >list.h <<'END'
#define LIST X(A) X(B) X(C)
#define X(n) IMSG_##n,
enum imsg_type { LIST };
END
gives "constants made by macros" list.h 0=IMSG_A 1=IMSG_B 2=IMSG_C
printf 'IMSG_A,\nIMSG_B,\n' >list.def
printf 'enum imsg_type { IMSG_X,\n#include "list.def"\nIMSG_Y };\n' >listed.h
gives "constants in a file of their own" listed.h 0=IMSG_X 1=IMSG_A 2=IMSG_B \
    3=IMSG_Y
printf 'enum imsg_type {\r\n\tIMSG_A,\r\n\tIMSG_B\r\n};\r\n' >dos.h
gives "lines of DOS" dos.h 0=IMSG_A 1=IMSG_B
{ cat gaps.h; echo 'int main(void) { enum imsg_type t = IMSG_A; return t; }'
} >prog.c
gives "a C program" prog.c 0=IMSG_A 100=IMSG_B 101=IMSG_C 208=IMSG_D \
    209=IMSG_E 16=IMSG_F 97=IMSG_G 7=IMSG_H 3=IMSG_I

# --- which enum
cat >which.h <<'END'
enum state { IDLE, BUSY };
typedef enum { ONE = 1, TWO } imsg_t;
struct s { enum { IN_A, IN_B } member; };
END
gives "the one whose type is called so" which.h 1=ONE 2=TWO
gives "another one by its tag" which.h:state 0=IDLE 1=BUSY
gives "one by the name of its type" which.h:imsg_t 1=ONE 2=TWO
denies "one that is not there" which.h:nothing 'which.h: no enum nothing$'
echo 'enum { A, B }; enum { IMSG_A = 5, IMSG_B };' >anon.h
gives "one without a name, by its constants" anon.h 5=IMSG_A 6=IMSG_B
echo 'enum a { GOT_IMSG_A, GOT_IMSG_B }; enum b { X, Y };' >got.h
gives "constants with IMSG_ within" got.h 0=GOT_IMSG_A 1=GOT_IMSG_B
echo 'enum msgtype { MSG_A = 12, MSG_B = 100 }; enum k { KEY_A, KEY_B };' >msg.h
gives "msgtype" msg.h 12=MSG_A 100=MSG_B
echo 'struct s { int x; enum { IMSG_A, IMSG_B } type; };' >member.h
gives "that of a member" member.h 0=IMSG_A 1=IMSG_B
cat >more.h <<'END'
enum { IMSG_A, IMSG_B, IMSG_PROC_MAX };
enum imsg_type { IMSG_C = IMSG_PROC_MAX, IMSG_D };
END
gives "two that follow each other" more.h 0=IMSG_A 1=IMSG_B 2=IMSG_C 3=IMSG_D
echo 'enum a { IMSG_A, IMSG_B }; enum b { IMSG_C, IMSG_D };' >two.h
denies "two whose numbers collide: neither, and both are named" two.h \
    'two.h: several enums.* a (line 1), b (line 1); use FILE:ENUM'
gives "... but the one that is asked for" two.h:b 0=IMSG_C 1=IMSG_D
echo 'enum imsg_type { IMSG_A, IMSG_B }; enum imsg_flags { IMSG_F, IMSG_G };' \
    >flags.h
gives "the one that fits better" flags.h 0=IMSG_A 1=IMSG_B
echo 'enum colour { RED, GREEN };' >none.h
denies "none fits" none.h 'none.h: no enum looks like message types'
echo 'enum http_msg { OK, FAILED };' >vague.h
gives "one that hardly fits is taken" vague.h 0=OK 1=FAILED
check "... and named" grep -q 'taking http_msg at line 1' err

# --- what belongs to it
mkdir -p sub/below
echo 'enum imsg_type { IMSG_A, IMSG_B };' >sub/types.h
cp sub/types.h sub/below/
echo '#include "types.h"' >sub/prog.c
gives "what it includes from its directory" sub/prog.c 0=IMSG_A 1=IMSG_B
echo '#include "below/types.h"' >sub/below.c
gives "or from below" sub/below.c 0=IMSG_A 1=IMSG_B
echo '#include "sub/types.h"' >outer.h
echo '#include "../outer.h"' >sub/far.c
gives "what it includes itself" outer.h 0=IMSG_A 1=IMSG_B
printf '#include "../sub/below/types.h"\n' >sub/middle.h
mkdir -p apart
printf '#include "../sub/middle.h"\n' >apart/prog.c
denies "not what others include from elsewhere" apart/prog.c 'no enum'
printf '#include <sys/socket.h>\n#include <netinet/in.h>\n' >system.h
denies "nothing of the system's" system.h 'no enum'
cp gaps.h 'with:colon.h'
gives "a colon in the name of the file" with:colon.h 0=IMSG_A 100=IMSG_B \
    101=IMSG_C 208=IMSG_D 209=IMSG_E 16=IMSG_F 97=IMSG_G 7=IMSG_H 3=IMSG_I

# --- what is not there
cat >missing.h <<'END'
#include <sys/nowhere.h>
#include "nothing.h"
struct conn { TAILQ_ENTRY(conn) entry; u_nothing x; };
TAILQ_HEAD(conns, conn);
__dead void fatal(const char *, ...) __attribute__((__format__ (printf, 1, 2)));
enum __packed imsg_type { IMSG_A, IMSG_B };
RB_PROTOTYPE(tree, node, entry, compare);
END
gives "includes, types and macros that are missing elsewhere" missing.h \
    0=IMSG_A 1=IMSG_B
awk 'BEGIN { for (i = 0; i < 200; i++) print "nothing" i " x" i "y z;"
    print "enum imsg_type { IMSG_A, IMSG_B = NOWHERE, IMSG_C };" }' >errors.h
denies "an error after two hundred others is seen" errors.h \
    "$uncertain""errors.h:201: .*'NOWHERE'"
printf '#include <no.h>\nenum imsg_type { IMSG_A,\nIMSG_B = NO, IMSG_C };\n' \
    >after.h
denies "one after a missing include, too" after.h "$uncertain""after.h:3: "
echo 'enum imsg_type { IMSG_FIRST, IMSG_B = IMSG_FIRS, IMSG_C };' >typo.h
denies "no guess at a mistyped name" typo.h "$uncertain.*'IMSG_FIRS'"
echo 'enum imsg_type { IMSG_A, IMSG_B IMSG_C, IMSG_D };' >comma.h
denies "a missing comma" comma.h "$uncertain""comma.h:1: "
echo 'enum imsg_type { IMSG_A, IMSG_B,' >cut.h
denies "an enum cut off" cut.h "$uncertain"
echo 'enum imsg_type { IMSG_A, IMSG_B; int x; }; enum o { X };' >semi.h
denies "a semicolon in the list" semi.h "$uncertain"
echo 'enum o { IMSG_B }; enum imsg_type { IMSG_A, IMSG_B, IMSG_C };' >again.h
denies "a name that is taken, which shifts the others" again.h \
    "$uncertain.*redefinition of enumerator 'IMSG_B'"
printf 'enum o { BASE = NO, LAST };\nenum imsg_type { IMSG_A = LAST };\n' >dep.h
denies "an error in what a number is made of" dep.h "$uncertain""dep.h:1: "
printf 'struct s { no_t x; };\nenum imsg_type { IMSG_A = sizeof(struct s) };\n' \
    >size.h
denies "the size of what could not be read" size.h "$uncertain""size.h:2: "
echo 'typedef no_t t; enum imsg_type { IMSG_A = (t)300 };' >cast.h
denies "a cast to what could not be read" cast.h "$uncertain"
printf 'IMSG_A,\n#include "no.def"\nIMSG_B,\n' >part.def
printf 'enum imsg_type { IMSG_X,\n#include "part.def"\nIMSG_Y };\n' >part.h
denies "a part that is missing" part.h "$uncertain""part.def:2: 'no.def'"
echo 'enum imsg_type { ENTRY(A), ENTRY(B) };' >entry.h
denies "constants of a macro that is missing" entry.h "$uncertain"

# --- what another build may have otherwise
printf 'enum imsg_type { IMSG_A,\n#ifdef HAVE_X\nIMSG_X,\n#endif\nIMSG_B };\n' \
    >cond.h
unknown="depends on a macro that nothing here defines"
denies "a constant that may be there or not" cond.h \
    "$uncertain""cond.h:2: $unknown: HAVE_X\$"
printf '#define HAVE_X 1\n#include "cond.h"\n' >with.h
gives "... with a file that defines it" with.h 0=IMSG_A 1=IMSG_X 2=IMSG_B
printf '#undef HAVE_X\n#include "cond.h"\n' >without.h
gives "... with a file that undefines it" without.h 0=IMSG_A 1=IMSG_B
printf '#if HAVE_X\n#undef HAVE_X\n#endif\n#include "cond.h"\n' >maybe.h
denies "... not with one that may undefine it" maybe.h "$unknown"
printf '#if 0 || \\\n /* and\n */ HAVE_X\nenum imsg_type { IMSG_A };
#else\nenum imsg_type { IMSG_B };\n#endif\n' >around.h
denies "a condition around it" around.h "$uncertain""around.h:1: $unknown"
printf 'enum imsg_type { IMSG_A,\n/* a */ /* b\n*/ #ifdef HAVE_X\nIMSG_X,\n#endif
IMSG_B };\n' >comment.h
denies "a condition behind a comment" comment.h "$unknown"
printf '#ifdef X\n#define B 1\n#else\n#define B 2\n#endif
#define C (B + 1)\nenum imsg_type { IMSG_A = C };\n' >macro.h
denies "a condition around a macro within a macro" macro.h \
    "$uncertain""macro.h:1: $unknown: X\$"
printf '#ifdef X\n#include "no.h"\n#else\n#include "gaps.h"\n#endif\n' >way.h
denies "a condition around its include" way.h "$uncertain""way.h:1: $unknown"
printf '#ifndef X_H\n#define X_H\n#ifdef FOO\nint x;\n#endif
enum imsg_type { IMSG_A,\n#ifdef __OpenBSD__\nIMSG_O,\n#endif\n#if 0\nIMSG_0,
#endif\nIMSG_B };\n#endif\n' >guard.h
gives "conditions that are known do no harm" guard.h 0=IMSG_A 1=IMSG_B

# --- macros
cat >macros.h <<'END'
#define IMSG_A 1
#define IMSG_B (IMSG_A + 4)
#define IMSG_C IMSG_A
#define IMSG_EMPTY
#define IMSG_FUNCTION(x) 6
#define IMSG_BAD NOWHERE
#define IMSG_TEXT "text"
#ifdef X
#define IMSG_X 8
#else
#define IMSG_X 9
#endif
#define OTHER 10
enum { IMSG_E = 11 };
enum colour { RED, GREEN };
END
sed '/^enum {/d' macros.h >only.h
denies "macros are not taken without being asked for" only.h \
    "for macros use 'only.h:IMSG_\*'"
gives "FILE:PREFIX*" 'macros.h:IMSG_*' 11=IMSG_E 1=IMSG_A 5=IMSG_B
check "... says what has no number of its own" \
    grep -q 'IMSG_C left out: IMSG_A has the same number' err
check "... or may have another one" \
    grep -q "IMSG_X left out: macros.h:8: $unknown: X" err
check "... or none" grep -q "IMSG_BAD left out: .*'NOWHERE'" err
denies "a prefix of none" 'macros.h:NONE_*' 'no number is called NONE_\*'

# --- files that are none, or too much
denies "a file that is not there" nowhere.h 'nowhere.h: No such file'
denies "a directory" . 'not a regular file'
denies "a device" /dev/zero 'not a regular file'
mkfifo fifo.h
denies "a FIFO does not make it wait" fifo.h 'not a regular file'
: >empty.h
denies "an empty file" empty.h 'no enum'
denies "a name that is no text" "$(printf 'a\033[31m.h')" \
    'a\\x1b\[31m.h: No such file'
awk 'BEGIN { for (i = 0; i < 300; i++) printf "%c", i % 256 }' >bytes.h
denies "no C at all" bytes.h 'no enum'
awk 'BEGIN { printf "enum imsg_type {"; for (i = 0; i < 65536; i++)
    print "IMSG_" i ","; print "};" }' >most.h
names most.h
check "65536 names" test "$status $(wc -l <got)" = "0 65536"
check "... with their numbers" test "$(tail -n 1 got)" = "65535${tab}IMSG_65535"
sed 's/};/IMSG_MORE };/' most.h >beyond.h
denies "one more is too much" beyond.h 'more than 65536'
# Doubles forty times, which no one has time or memory for.
awk 'BEGIN { print "#define A0 1"; for (i = 1; i < 40; i++)
    printf "#define A%d (A%d+A%d)\n", i, i - 1, i - 1
    print "enum imsg_type { IMSG_A = A39 };" }' >bomb.h
names bomb.h
check "a file that never ends is given up" test "$status" -ne 0
check "... without a name" test ! -s got
status=0
"$helper" >got 2>err || status=$?
check "usage" test "$status" -eq 2

# --- other people's
# known NAME PROGRAM HOW_MANY NUMBER=NAME...: it has these among its names, and
# for every one the C compiler has the same number.
known()
{
	path=$(header "$2" 2>why) || {
		skip "$1" "$(tail -n 1 why)"
		return
	}
	known_name=$1
	count=$3
	names "$path"
	shift 3
	for n in "$@"; do
		grep -qx "${n%%=*}$tab${n#*=}" got || {
			status="$status, and no $n"
		}
	done
	if [ "$status" = 0 ] && [ "$(wc -l <got)" -eq "$count" ]; then
		ok "$known_name: $count names"
	else
		not_ok "$known_name: $count names"
		show
		return
	fi
	# The enum alone needs nothing of what its header includes.
	{ sed -n '/^enum \(imsg_type\|msgtype\) {/,/^};/p' "$path"
	  sed "s/^\(.*\)$tab\(.*\)/_Static_assert(\2 == \1, \"\2\");/" got
	} >assert.c
	grep -c '^	I*MSG_' assert.c >count
	if command -v "${CC:-cc}" >/dev/null 2>&1; then
		check "$known_name: the C compiler has the same numbers" \
		    "${CC:-cc}" -std=c11 -fsyntax-only assert.c
		check "$known_name: none is missing" \
		    test "$(cat count)" -eq "$count"
	else
		skip "$known_name: the C compiler" "no ${CC:-cc}"
	fi
}
known "tmux 3.3a" tmux 40 12=MSG_VERSION 100=MSG_IDENTIFY_FLAGS \
    101=MSG_IDENTIFY_TERM 104=MSG_IDENTIFY_STDIN 106=MSG_IDENTIFY_DONE \
    110=MSG_IDENTIFY_STDOUT 111=MSG_IDENTIFY_LONGFLAGS 200=MSG_COMMAND \
    203=MSG_EXIT 204=MSG_EXITED 205=MSG_EXITING 207=MSG_READY 208=MSG_RESIZE \
    300=MSG_READ_OPEN 303=MSG_WRITE_OPEN 304=MSG_WRITE 305=MSG_WRITE_READY
known "OpenBGPD 7.7" bgpd 87 1=IMSG_CTL_END 13=IMSG_CTL_SHOW_NEIGHBOR \
    22=IMSG_CTL_SHOW_TERSE
known "OpenNTPD 6.2p3" ntpd 17 10=IMSG_CTL_SHOW_STATUS \
    11=IMSG_CTL_SHOW_PEERS 12=IMSG_CTL_SHOW_PEERS_END
known "OpenSMTPD 6.8.0p2" smtpd 152 2=IMSG_CTL_FAIL 3=IMSG_CTL_GET_DIGEST \
    35=IMSG_CTL_SMTP_SESSION

done_testing
