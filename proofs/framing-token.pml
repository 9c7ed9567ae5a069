/* SPDX-License-Identifier: ISC */
/*
 * Which descriptor belongs to which message: src/msgbuf-token.c.  told is old
 * of struct tokens, FIFO its fifo.
 */
#define TOKSZ (TOKENS + 2)

byte tok[TOKSZ];
byte tn;
byte told;

/* imsgi_close() */
inline close_fd(fd)
{
	if
	:: fd != NONE && fd != LOST -> alive--
	:: else
	fi
}

/* The token is in f afterwards. */
inline shift()
{
	f = tok[0];
	tn--;
	j = 0;
	do
	:: j == tn -> break
	:: else -> tok[j] = tok[j + 1]; j++
	od;
	tok[tn] = NONE;
	told = (told > 0 -> told - 1 : 0)
}

inline close_beyond(keep)
{
	do
	:: tn <= keep -> break
	:: else ->
		tn--;
		close_fd(tok[tn]);
		tok[tn] = NONE
	od
}

inline token_arrive(fd)
{
	if
	:: fd != NONE ->
		assert(tn < TOKSZ);
		tok[tn] = fd;
		tn++
	:: else
	fi
}

#ifdef M_NEWEST_FIRST
#define OFFER (tn > 0 -> tok[tn - 1] : NONE)
#else
#define OFFER (tn > 0 -> tok[0] : NONE)
#endif

inline token_header(consumed)
{
	if
	:: tn == 0
	:: tn > 0 && consumed ->
#ifdef M_NEWEST_FIRST
		tn--;
		tok[tn] = NONE
#else
		shift()
#endif
#ifndef M_NO_OLD
	:: tn > 0 && !consumed && told > 0 && !FIFO ->
		shift();
		close_fd(f)
#endif
	:: else
	fi
}

/* r is -1 if too many wait. */
inline token_receipt_end(inside)
{
#ifdef M_CLASSIC_AS_MODERN
	if
	:: false
#else
	if
	:: FIFO ->
		told = tn;
		r = (tn > TOKENS -> 2 : 1)
#endif
	:: else ->
#if defined(M_CLOSE_AT_END)
		close_beyond(0);
#elif defined(M_KEEP_AT_END)
		close_beyond(1);
#elif defined(M_KEEP_TWO)
		close_beyond((inside -> 2 : 0));
#elif defined(M_MODERN_AS_CLASSIC)
		skip;
#else
		close_beyond((inside -> 1 : 0));
#endif
		told = tn;
		r = 1
	fi
}
