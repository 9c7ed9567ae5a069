/* SPDX-License-Identifier: ISC */
/*
 * A peer that keeps to no rule of descriptors.  It writes byte by byte, which
 * together with the receiver's free choice of how much to read is every way
 * of writing; each byte may have a descriptor, or two.  That on the first
 * byte of a marked message is its own; any other is a stray.
 *
 * BARES: it also marks messages without sending a descriptor with them.
 * BADS: it also sends headers that make no sense.
 */
byte wo;   /* offset of the next byte in the message under way */
byte kind;
byte put;
bit seg;

/* A message begins. */
inline start()
{
	shape[tail] = kind;
	tail++;
	coming++
}

inline send_byte()
{
	m = tail - 1;
	alive = alive + (put != NONE -> 1 : 0) + ((put & EXTRA) -> 1 : 0);
	put_byte(BYTE(m, wo), put, seg);
	wo++;
	wo = (wo == TOTAL(m) -> 0 : wo);
	kind = 0;
	put = NONE;
	seg = 0
}

active proctype sender()
{
	do
	:: atomic {
		rlen < RING && (wo > 0 || tail < K) ->
		if
		:: wo == 0 ->
			if
			:: kind = 0
			:: kind = P
#ifdef BADS
			:: kind = BAD
#endif
			fi;
			if
			:: skip
			:: kind = kind | MARK
#ifdef BARES
			:: kind = kind | MARK | BARE
#endif
			fi;
			if
			:: (kind & MARK) && !(kind & BARE) -> put = tail + 1
			:: !(kind & MARK) -> skip
			:: !(kind & MARK) -> put = STRAY
			:: (kind & BARE) -> skip
			fi;
			d_step { start() }
		:: wo > 0 -> skip
		:: wo > 0 -> put = STRAY
		fi;
		if
		:: skip
		:: put != NONE -> put = put | EXTRA
		fi;
		if
		:: put == NONE -> skip
		:: seg = 1
		fi;
		d_step { send_byte() }
	   }
	:: d_step { true -> closed = 1 }; break
	od
}
