/* SPDX-License-Identifier: ISC */
/*
 * The sending side: src/msgbuf-write.c, and the sender of the imsg of old.
 *
 * A chunk of several messages is no more than their bytes here: it never has
 * a descriptor, and where one of its messages ends decides only how many a
 * batch holds, for which IOV is varied.  A message in two ibufs, header and
 * payload, is one as well: the first has the descriptor.
 */
#define MMS (MMSG + 1)

byte ho;	  /* bytes sent of the head of the queue: rpos, IBUF_BEGUN */
byte mmlen[MMS];  /* struct batch: bytes of each message of the batch */
byte mmfd[MMS];	  /* and its descriptor */
byte nmm;
byte at;	  /* the one that the system call is busy with */
byte left;	  /* its bytes that are not sent */
byte wm, wo;	  /* the next byte: message and offset */
byte sum;	  /* result of the system call: bytes sent */
byte size;	  /* bytes of the next segment */
byte kind;
bit fresh;	  /* next byte is the first of its sendmsg(2) */
bit pass;	  /* msgbuf_write(), not ibuf_write() */
bit cut;	  /* the system call ends before its work is done */
bit busy;	  /* in a system call */

/* imsg_compose(): kind is the payload and whether there is a descriptor. */
inline compose()
{
	shape[tail] = kind;
	if
	:: kind & MARK ->
		shape[tail] = shape[tail] | QUEUED;
		alive++
	:: else
	fi;
	tail++;
	queued++;
	coming++;
	kind = 0
}

/* carries(); c messages are left to look at, queued at the head. */
#if defined(M_BEGUN) || defined(M_SENT_TWICE)
#define CARRIES(b, c) (pass && (shape[b] & QUEUED))
#else
#define CARRIES(b, c) \
	(pass && (shape[b] & QUEUED) && !((c) == queued && ho > 0))
#endif

#ifdef M_ONE_SENDMSG
#define STARTS(b, c) (nmm == 0)
#else
#define STARTS(b, c) (nmm == 0 || CARRIES(b, c))
#endif

/*
 * batch_fill(), with max messages of the batch.  That sendmmsg(2) is not used
 * for one descriptor, or not there, is a batch that ends after its first
 * message, which any may.
 */
inline batch_fill(max)
{
	i = HEAD;
	u = queued;
	t = 0;
	do
	:: u == 0 || t == IOV -> break
	:: else ->
		if
		:: STARTS(i, u) ->
			if
			:: nmm == max -> break
			:: else
			fi;
			nmm++
		:: else
		fi;
		if
		:: CARRIES(i, u) -> mmfd[nmm - 1] = i + 1
		:: else
		fi;
		mmlen[nmm - 1] =
		    mmlen[nmm - 1] + TOTAL(i) - (u == queued -> ho : 0);
		t++;
		u--;
		i++
	od
}

/*
 * The imsg of old: one sendmsg(2) that ends with the first message that has
 * a descriptor, which rides on the first byte of it all.
 */
inline old_fill()
{
	i = HEAD;
	u = queued;
	t = 0;
	nmm = 1;
	do
	:: u == 0 || t == IOV -> break
	:: else ->
		mmlen[0] = mmlen[0] + TOTAL(i) - (u == queued -> ho : 0);
		t++;
		u--;
		if
		:: shape[i] & QUEUED ->
			mmfd[0] = i + 1;
			break
		:: else
		fi;
		i++
	od
}

inline begin_call()
{
#if SENDER == OLD
	old_fill();
#else
	if
	:: pass -> batch_fill(MMSG)
	:: else -> batch_fill(1)
	fi;
#endif
	wm = HEAD;
	wo = ho;
	left = mmlen[0];
	fresh = 1;
	busy = 1
}

/* __sys_sendmmsg(): the next message of the batch. */
inline next_of_batch()
{
	at++;
	left = (at < nmm -> mmlen[at] : 0);
	fresh = 1
}

/* unix_stream_sendmsg(): one more segment; the first has the descriptor. */
inline put_segment()
{
	s = 0;
	do
	:: s == size -> break
	:: else ->
		f = (fresh -> mmfd[at] : NONE);
		if
		:: f != NONE ->
			alive++;
#ifdef MIX
			/* Its own first byte, or not at all. */
			assert(wo == 0 && f == wm + 1)
#endif
		:: else
		fi;
		if
		:: wo == 0 && (shape[wm] & MARK) && !pass ->
			shape[wm] = shape[wm] | BARE
		:: else
		fi;
		put_byte(BYTE(wm, wo), f, s == 0);
		fresh = 0;
		wo++;
		if
		:: wo == TOTAL(wm) ->
			wo = 0;
			wm++
		:: else
		fi;
		sum++;
		left--;
		s++
	od;
	size = 0;
	if
	:: left == 0 -> next_of_batch()
	:: else
	fi
}

/* consume_head(): the head has been sent up to ho, take more bytes of it. */
inline consume_head()
{
	ho = ho + take;
	if
#ifdef M_SENT_TWICE
	:: (shape[m] & QUEUED) && ho == total ->
#else
	:: (shape[m] & QUEUED) && (pass || ho == total) ->
#endif
		shape[m] = shape[m] & ~QUEUED;
		alive--
	:: else
	fi
}

inline retire_head()
{
	queued--;
	ho = 0
}

/* drain(): takes the result of the system call. */
inline drain()
{
#if SENDER == OLD
	/* It closes its descriptor whatever was sent. */
	if
	:: sum > 0 && mmfd[0] != NONE ->
		shape[mmfd[0] - 1] = shape[mmfd[0] - 1] & ~QUEUED;
		alive--
	:: else
	fi;
#endif
#ifdef M_CLOSED_UNSENT
	if
	:: sum == 0 && (shape[HEAD] & QUEUED) ->
		shape[HEAD] = shape[HEAD] & ~QUEUED;
		alive--
	:: else
	fi;
#endif
	do
	:: sum == 0 -> break
	:: else ->
		m = HEAD;
		total = TOTAL(m);
		take = (total - ho < sum -> total - ho : sum);
		sum = sum - take;
		consume_head();
		if
		:: ho == total -> retire_head()
		:: else
		fi
	od
}

inline end_call()
{
	drain();
	do
	:: nmm == 0 -> break
	:: else ->
		nmm--;
		mmlen[nmm] = 0;
		mmfd[nmm] = NONE
	od;
	at = 0;
	left = 0;
	wm = 0;
	wo = 0;
	fresh = 0;
	cut = 0;
	busy = 0;
	pass = 0
}
