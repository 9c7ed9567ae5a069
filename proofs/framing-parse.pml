/* SPDX-License-Identifier: ISC */
/*
 * The receiving side: src/msgbuf-read.c, msgbuf-lazy.c, msgbuf-token.c, and
 * imsgi_wire_header() of src/imsg-wire.c.
 *
 * Left out, because it changes where bytes lie and not what happens: bytes of
 * the message under way are received in its place (here they pass through the
 * input buffer), as are those of a message whose size was guessed, for which
 * fits() demands that there is no token and the header has no mark.
 */
#define INSZ (RING + H)

/* struct msgbuf */
byte inp[INSZ]; /* the input buffer, bytes plus 1 */
byte inpos;
byte inend;
byte ready; /* [inpos, ready) are complete messages that wait */
byte nready;
byte cur; /* the message under way plus 1 */
byte got; /* bytes of it */
byte curfd;
bit rq; /* there is something in the queue of complete messages */
bit stalled;
bit failed;

byte oom;   /* the allocation from now on that fails, 0 none */
bit nomem;  /* it did */
byte act;   /* what the program does; see receiver() */

inline allocate()
{
	nomem = (oom == 1);
	oom = (oom > 0 -> oom - 1 : 0)
}

/*
 * The property.  Message x is complete, with descriptor fd: once and in
 * order; a descriptor only if it is marked; and, if the rules were kept, its
 * own, or none because the kernel dropped just that one.
 */
inline deliver(x, fd)
{
	assert(coming > 0 && x == NEXT);
	assert(fd == NONE || (shape[x] & MARK));
	assert(fd != LOST);
	if
	:: (shape[x] & MARK) && (shape[x] & CLEAN) ->
		assert(fd == ((shape[x] & GONE) -> NONE : x + 1))
	:: else
	fi;
#if SENDER != HOSTILE && !defined(MIX)
	assert(shape[x] & CLEAN);
#endif
	/* The program's from now on. */
	close_fd(fd);
#ifdef NP
	moved = 1;
#endif
	coming--
}

/* r: 1, 0 or, for -1, 2 with nomem for ENOMEM. */

/* Bytes [from, from + total) are message x, from its first. */
inline whole(from, x)
{
	j = 0;
	do
	:: j == total -> break
	:: else ->
		assert(inp[from + j] == BYTE(x, j) + 1);
		j++
	od
}

/* msgbuf-lazy.c: imsgi_lazy_make(), and what a fetch does before it. */
inline lazy_take()
{
	hid = MSG(inp[inpos] - 1);
	total = TOTAL(hid);
	whole(inpos, hid);
	inpos = inpos + total;
	nready--;
	deliver(hid, NONE)
}

inline lazy_make()
{
	allocate();
	if
	:: nomem -> r = 2
	:: else ->
		lazy_take();
		rq = 1;
		r = 1
	fi
}

inline lazy_make_all()
{
	r = 1;
	do
	:: nready == 0 || r == 2 -> break
	:: else -> lazy_make()
	od
}

/* imsgi_lazy_scan() with scan_modern() or scan_classic(). */
inline lazy_scan()
{
	more = 0;
	do
	:: inend - ready < H -> break
	:: else ->
		hid = MSG(inp[ready] - 1);
		total = H;
		whole(ready, hid);
		if
		:: (shape[hid] & MARK) || (shape[hid] & PLEN) == BAD -> break
		:: else
		fi;
		total = TOTAL(hid);
		if
		:: total > inend - ready ->
			more = 1;
			break
		:: else
		fi;
		ready = ready + total;
		nready++
	od
}

/* begin() with imsgi_wire_header(): r 2 with or without nomem, or 1. */
inline begin()
{
	hid = MSG(inp[inpos] - 1);
	total = H;
	whole(inpos, hid);
	f = OFFER;
	if
	:: !LAZY && f == LOST -> f = NONE
	:: else
	fi;
	nomem = 0;
	if
	:: (shape[hid] & PLEN) == BAD -> r = 2
	:: else ->
		allocate();
		if
		:: nomem -> r = 2
		:: else ->
			cur = hid + 1;
			got = 0;
#ifdef M_UNMARKED_TAKES
			marked = 1;
#else
			marked = ((shape[hid] & MARK) -> 1 : 0);
#endif
			used = marked && f != NONE;
			curfd = (used && f != LOST -> f : NONE);
			token_header(used);
			r = 1
		fi
	fi
}

/* go_on() with imsgi_current_absorb() and imsgi_current_deliver(). */
inline go_on()
{
	hid = cur - 1;
	total = TOTAL(hid);
	nomem = 0;
	if
	:: got > 0 && inpos < inend -> allocate() /* join() */
	:: else
	fi;
	if
	:: nomem -> r = 2
	:: else ->
		do
		:: got == total || inpos == inend -> break
		:: else ->
			assert(inp[inpos] == BYTE(hid, got) + 1);
			got++;
			inpos++
		od;
		if
		:: got < total -> r = 0
		:: else ->
			deliver(hid, curfd);
			cur = 0;
			got = 0;
			curfd = NONE;
			rq = LAZY;
			ready = inpos;
			r = 1
		fi
	fi
}

#ifdef M_SCAN_PAST_TOKEN
#define MAY_SCAN LAZY
#else
#define MAY_SCAN (LAZY && tn == 0)
#endif

inline parse_one()
{
	if
	:: cur != 0 -> go_on()
	:: else ->
		more = 0;
		if
		:: MAY_SCAN -> lazy_scan()
		:: else
		fi;
		if
		:: (more && nready > 0) || inend - ready < H -> r = 0
		:: else ->
			lazy_make_all();
			if
			:: r == 1 -> begin()
			:: else
			fi;
			if
			:: r == 1 -> go_on()
			:: else
			fi
		fi
	fi
}

inline parse_all()
{
	do
	:: true ->
		do
		:: true ->
			parse_one();
			if
			:: r == 1
			:: else -> break
			fi
		od;
		if
		:: r == 2 || nready == 0 || rq -> break
		:: else
		fi;
		lazy_make();
		if
		:: r == 2 -> break
		:: r == 1 && nready > 0 ->
			r = 0;
			break
		:: else
		fi
	od
}

inline fail()
{
	failed = 1;
	close_fd(curfd);
	cur = 0;
	got = 0;
	curfd = NONE;
#ifndef M_FAIL_KEEPS
	close_beyond(0);
#endif
	told = 0
}

inline compact()
{
	t = inend - inpos;
	t = (failed && t > H -> H : t);
	j = 0;
	do
	:: j == INSZ -> break
	:: else ->
		inp[j] = (j < t -> inp[inpos + j] : 0);
		j++
	od;
	inpos = 0;
	ready = 0;
	inend = t
}

/* Of the model only: how far does what a peer did wrong reach? */
inline settle_taint()
{
	if
	:: FIFO
	:: !FIFO && cur == 0 && inend > ready ->
		taint = ((shape[MSG(inp[ready] - 1)] & CLEAN) -> 0 : 1)
	:: else -> taint = 0
	fi
}

inline parse()
{
	stalled = 0;
	parse_all();
	if
	:: r == 2 && nomem ->
#ifdef M_STALL_ENDS
		token_receipt_end(0);
#endif
		stalled = 1
	:: r == 2 && !nomem -> fail()
	:: else ->
		token_receipt_end((cur == 0 && inend > ready));
		settle_taint();
		if
		:: r == 2 -> fail()
		:: else
		fi
	fi;
	if
	:: nready == 0 -> compact()
	:: else
	fi
}
