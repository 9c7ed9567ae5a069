/* SPDX-License-Identifier: ISC */
/*
 * The program that reads and fetches, whenever it likes, and the system call
 * between it and the parser: imsgi_msgbuf_receive(), imsgbuf_get() and
 * imsgi_recv() of src/os-fd.c.
 */

/* Of the model only: is the message that begins here concerned? */
inline note_begin(x)
{
	if
	:: (shape[x] & BARE) -> taint = 1
	:: !(shape[x] & BARE) && !taint -> shape[x] = shape[x] | CLEAN
	:: else
	fi
}

/* os-fd.c: imsgi_recv() and sort_control(); the token is in f afterwards. */
inline recv_once()
{
	f = NONE;
	s = 0;
	do
	:: s == n -> break
	:: else ->
		assert(inend < INSZ);
		inp[inend] = (cell[0] & 63) + 1;
		inend++;
		if
		:: OFF(cell[0]) == 0 -> note_begin(MSG(cell[0]))
		:: else
		fi;
		if
		:: cfd[0] != NONE ->
			f = cfd[0] & 15;
#ifdef CLASSIC
			taint = ((f == STRAY) -> 1 : taint);
#endif
#ifndef M_EXTRA_STAYS
			/* Closed by keep_first(), or there was no place. */
			alive = ((cfd[0] & EXTRA) -> alive - 1 : alive);
#endif
			if
			:: lose ->
				alive--;
				if
				:: f != STRAY ->
					shape[f - 1] = shape[f - 1] | GONE
				:: else
				fi;
#ifdef M_LOSS_UNSEEN
				f = NONE
#else
				f = LOST
#endif
			:: else
			fi
		:: else
		fi;
		drop_byte();
		s++
	od;
	if
	:: lose && fdat == 0 -> f = LOST
	:: else
	fi
}

/* The invariants of msgbuf-int.h, between two calls of the library. */
inline invariants()
{
	assert(inpos <= ready && ready <= inend && inend <= INSZ);
	assert(!(nready > 0 && (tn > 0 || cur != 0)));
	assert(nready > 0 || ready == inpos);
	if
	:: cur != 0 && !stalled -> assert(inend == inpos)
	:: cur == 0 && !stalled && !failed && nready == 0 ->
		assert(inend - inpos < H)
	:: else
	fi;
	assert(told <= tn);
	assert(!failed || (tn == 0 && cur == 0));
#ifndef CLASSIC
	assert(tn <= 2 && (stalled || tn <= 1));
#endif
	/* Each descriptor is somewhere, and in one place. */
	t = (curfd != NONE -> 1 : 0);
	j = 0;
	do
	:: j == TOKSZ -> break
	:: else ->
		t = t + ((tok[j] != NONE && tok[j] != LOST) -> 1 : 0);
		j++
	od;
	j = 0;
	do
	:: j == RING -> break
	:: else ->
		t = t + (cfd[j] != NONE -> 1 : 0) +
		    ((cfd[j] & EXTRA) -> 1 : 0);
		j++
	od;
	j = 0;
	do
	:: j == K -> break
	:: else -> t = t + ((shape[j] & QUEUED) -> 1 : 0); j++
	od;
	assert(alive == t)
}

/* imsgbuf_clear(), and the kernel when the socket is closed. */
inline clear()
{
	close_fd(curfd);
	cur = 0;
	got = 0;
	curfd = NONE;
	close_beyond(0);
	told = 0
}

#define FETCH_ALL 1 /* imsgbuf_get() until rq is empty */
#define FETCH 2	    /* imsgbuf_get(): open_ready() */
#define MAKE 3	    /* imsgi_msgbuf_receive(): what nobody has fetched */
#define RETRY 4	    /* the same: stalled */
#define RECEIVE 5   /* the same: system call and parser */

#define PARSE 6	    /* what follows on any of these */

/* What comes before the parser. */
inline prepare()
{
	if
	:: act == FETCH_ALL -> rq = 0
	:: act == FETCH ->
		lazy_take();
		/* imsgi_lazy_after(), imsgi_msgbuf_settle() */
#ifdef M_NO_SETTLE
		act = 0
#else
		act = ((nready == 0 && !stalled && !failed) -> PARSE : 0)
#endif
	:: act == MAKE ->
		lazy_make_all();
		act = ((r == 1 && !stalled && !failed) -> PARSE : 0)
	:: act == RETRY -> act = PARSE
	:: act == RECEIVE ->
		recv_once();
		token_arrive(f);
		act = PARSE
	:: else
	fi
}

active proctype receiver()
{
	do
	:: atomic {
		if
		:: rq -> act = FETCH_ALL
		:: !rq && nready > 0 -> act = FETCH
		:: nready > 0 -> act = MAKE
#ifdef M_STALL_WAITS
		:: nready == 0 && stalled && !failed && rlen > 0 -> act = RETRY
#else
		:: nready == 0 && stalled && !failed -> act = RETRY
#endif
		:: nready == 0 && !stalled && !failed && rlen > 0 ->
			act = RECEIVE;
			d_step { reach() };
			choose_size();
			d_step {
				nmax = 0;
				fdat = (fdat <= n -> fdat : 0)
			}
			if
			:: skip
#ifdef LOSE
			:: fdat > 0 -> lose = 1
#endif
#ifdef SPURIOUS
			:: fdat == 0 -> lose = 1
#endif
			fi
		fi;
		if
		:: skip
#ifdef NOMEM
		:: oom = 1
		:: oom = 2
		:: oom = 3
#endif
		fi;
		d_step { prepare() }
		d_step {
			if
			:: act == PARSE -> parse()
			:: else
			fi
		}
		d_step {
#ifndef M_PLAIN
			invariants();
#endif
			oom = 0;
			nomem = 0;
			act = 0;
			n = 0;
			fdat = 0;
			lose = 0
		}
		d_step { forget() }
	   }
#ifdef NP
		;
		if
		:: !moved
		:: moved -> moved = 0;
progress:		skip
		fi
#endif
	:: d_step {
		nready == 0 && !stalled && (failed || (closed && rlen == 0)) ->
#if SENDER != HOSTILE
		/* Nothing is held back, and nothing is missing. */
		assert(!failed && coming == 0 && inend == 0 && cur == 0);
		assert(tn == 0 && alive == 0);
#endif
		clear()
	   };
		break
	od;
#if SENDER == HOSTILE
	/* What is in the socket is closed with it. */
	closed;
	d_step {
		do
		:: rlen == 0 -> break
		:: else ->
			alive = alive - (cfd[0] != NONE -> 1 : 0) -
			    ((cfd[0] & EXTRA) -> 1 : 0);
			drop_byte()
		od;
		assert(alive == 0)
	}
#endif
}
