#!/bin/sh
# SPDX-License-Identifier: ISC
#
# porting.sh SOURCE_DIR CC LIBRARY [FLAGS]: what docs/PORTING.md tells people to
# write compiles, its sed script alone ports its classic program, which then
# runs, and every name in its tables that the library should have is there.
src=$1
cc=$2
lib=$3
flags=${4:-}
doc=$src/docs/PORTING.md
. "$src/tests/tap.sh"
warn="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Wconversion
    -Wshadow -Wstrict-prototypes -Werror"

# Fenced blocks below a comment "<!-- KIND: NAME -->" or "<!-- KIND -->" go to
# NAME.KIND; the kinds are classic, sed, compiles, and whole for a function.
awk -v dir="$tmp" '
/^<!-- [a-z: ]+ -->$/ {
	kind = $2; name = $(NF - 1)
	if ($3 == "whole:")
		kind = "whole"
	sub(/:$/, "", kind)
	file = dir "/" name "." kind
	next
}
file != "" && /^```[a-z]+$/ { on = 1; printf "" >file; next }
on && /^```$/ { close(file); on = 0; file = ""; next }
on { print >file }
file != "" && !on && !/^$/ { print "no block follows: " file; exit 1 }
' "$doc" >"$tmp/awk" || not_ok "every mark has a block: $(cat "$tmp/awk")"

# What the snippets take for granted of the program around them.
cat >"$tmp/prelude.h" <<'END'
#include <sys/types.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <imsg.h>

#define EV_READ		2
#define EV_WRITE	4

struct request {
	char name[100000];
};

struct peer {
	struct imsgbuf ch;
	int events;
};

void set_nonblocking(int);
void start(struct peer *, int);
void handle(struct ibuf *);
END

# wrap RESULT VALUE PARAMETERS <SNIPPET: a function with the snippet in it
wrap()
{
	echo '#include "prelude.h"'
	echo "$1 snippet($3);"
	printf '%s\n%s\n%s\n' "$1" "snippet($3)" "{"
	cat
	[ -z "$2" ] || echo "	return $2;"
	echo "}"
}

# in_function NAME: the snippet with the variables that it uses
in_function()
{
	case $1 in
	take|pass)
		{ echo '	int fd;'; echo; cat; } |
		    wrap void "" "struct peer *p, struct imsg *imsg" ;;
	order)
		sed 's/&m/m/; s/fd = /int fd = /' |
		    wrap int "" "struct imsg *m" ;;
	move)
		wrap void "" "struct imsg *dst, struct imsg *src" ;;
	flush)
		{ echo '	int rv;'; echo; cat; } |
		    wrap int rv "struct peer *p" ;;
	reader)
		{ echo '	struct ibuf *b;'; echo; cat; } |
		    wrap void "" "struct msgbuf *q, int fd" ;;
	maxsize|write|events)
		wrap void "" "struct peer *p" ;;
	init|wire)
		wrap void "" "struct peer *p, int fd" ;;
	*)
		echo "#error \"tests/porting.sh does not know $1\"" ;;
	esac
}

compile()
{
	$cc $warn $flags -I"$tmp" -I"$src/include" -c -o "$tmp/o.o" "$@"
}

n=0
for f in "$tmp"/*.compiles; do
	name=$(basename "$f" .compiles)
	in_function "$name" <"$f" >"$tmp/$name.c"
	for v in 77 78; do
		check "$name, API $v" compile -DIMSG_API_VERSION=$v "$tmp/$name.c"
	done
	n=$((n + 1))
done
check "there are snippets" [ "$n" -ge 11 ]

# The reader's callback, and a program that reads two messages with it.
{
	echo '#include "prelude.h"'
	cat "$tmp/header.whole"
	cat <<'END'

int
main(void)
{
	struct msgbuf *q = msgbuf_new_reader(sizeof(size_t), header, NULL);
	struct { size_t len; char text[8]; } two[2] = {
		{ 8, "seventy" }, { 8, "classic" } };
	struct ibuf *b;
	int i, s[2];

	if (q == NULL || pipe(s) == -1 ||
	    write(s[1], two, sizeof(two)) != (ssize_t)sizeof(two) ||
	    ibuf_read(s[0], q) != 1)
		return 1;
	for (i = 0; (b = msgbuf_get(q)) != NULL; i++) {
		if (ibuf_skip(b, sizeof(size_t)) == -1 || ibuf_size(b) != 8 ||
		    memcmp(ibuf_data(b), two[i].text, 8) != 0)
			return 1;
		ibuf_free(b);
	}
	memset(&two[0].len, 0, sizeof(two[0].len));
	if (write(s[1], two, sizeof(two)) != (ssize_t)sizeof(two) ||
	    ibuf_read(s[0], q) != -1 || errno != ERANGE)
		return 1;
	msgbuf_free(q);
	close(s[0]);
	close(s[1]);
	return i != 2;
}
END
} >"$tmp/header.c"
check "the reader's callback compiles" \
    $cc $warn $flags -I"$tmp" -I"$src/include" -o "$tmp/header" \
    "$tmp/header.c" "$lib"
check "... reads two messages, refuses a third" "$tmp/header"

# Classic code is ported by sed alone; before that it must not compile.
cp "$tmp/classic.classic" "$tmp/before.c"
check "the classic program is classic" refuses compile "$tmp/before.c"
sed -f "$tmp/sed.sed" "$tmp/before.c" >"$tmp/after.c"
check "sed ports it" \
    $cc $warn $flags -I"$src/include" -o "$tmp/after" "$tmp/after.c" "$lib"
check "... and it runs" sh -c "[ \"\$('$tmp/after')\" = 21 ]"

# Lines that programs had, each as it should come out of the script.
rule()
{
	check "sed: $1" [ "$(printf '\t%s\n' "$1" | sed -f "$tmp/sed.sed")" \
	    = "	$2" ]
}
rule 'if (ibuf_main->w.queued > 0)' 'if (imsgbuf_queuelen(ibuf_main) > 0)'
rule 'if (cc->ibuf.w.queued)' 'if (imsgbuf_queuelen(&cc->ibuf))'
rule 'if (msgbuf_write(&p->ibuf.w) <= 0 && errno != EAGAIN)' \
    'if (imsgbuf_write(&p->ibuf) == -1)'
rule 'if ((n = imsg_read(ibuf)) == -1 && errno != EAGAIN)' \
    'if ((n = imsgbuf_read(ibuf)) == -1)'
rule 'if (((n = imsg_read(&c->b)) == -1 && errno != EAGAIN) || n == 0) {' \
    'if ((n = imsgbuf_read(&c->b)) != 1) {'
rule 'peer_imsg_flush(peer);' 'peer_imsg_flush(peer);'
rule 'imsg_clear(&p->imsgbuf);' 'imsgbuf_clear(&p->imsgbuf);'
rule 'n = imsg_read_nofd(&p->imsgbuf);' 'n = imsg_read_nofd(&p->imsgbuf);'

# The middle column says what to write: those names exist.
awk -F' *[|] *' '/^\| you have \| you write/ { on = 1; next }
    !/^\|/ { on = 0 } on { print $3 }' "$doc" |
    grep -oE '(imsg|imsgbuf|msgbuf|ibuf|ibufq)_[a-z0-9_]+' | sort -u \
    >"$tmp/names"
: >"$tmp/missing"
while read -r name; do
	grep -qE "[ 	*]$name\(" "$src/include/imsg.h" || echo "$name" \
	    >>"$tmp/missing"
done <"$tmp/names"
check "the tables name what the library has" sh -c "
    cat '$tmp/missing'; [ -s '$tmp/names' ] && [ ! -s '$tmp/missing' ]"
done_testing
