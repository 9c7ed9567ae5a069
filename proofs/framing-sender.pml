/* SPDX-License-Identifier: ISC */
/*
 * The program that composes and writes, whenever it likes.
 */

inline choose_segment()
{
	if
	:: size = 1
	:: left >= 2 && RING - rlen >= 2 -> size = 2
	:: left >= 3 && RING - rlen >= 3 -> size = 3
	:: left >= 4 && RING - rlen >= 4 -> size = 4
	:: left >= 5 && RING - rlen >= 5 -> size = 5
	:: left >= 6 && RING - rlen >= 6 -> size = 6
	fi
}

/*
 * That the system call begins, and that it ends and its result is taken, are
 * one step with the segment before or behind it: nobody else sees anything
 * of it.
 */
active proctype sender()
{
	do
	:: atomic {
		!busy && tail < K ->
		if
		:: kind = 0
		:: kind = P
#if P == 2
		:: kind = 1
#endif
		fi;
		if
		:: skip
		:: kind = kind | MARK
		fi;
		d_step { compose() }
	   }
	:: atomic {
		(busy || queued > 0) && rlen < RING ->
		if
		:: busy
		:: !busy -> pass = 1
#ifdef MIX
		:: !busy -> pass = 0
#endif
		fi;
		d_step {
			if
			:: !busy -> begin_call()
			:: else
			fi
		}
		choose_segment();
		d_step { put_segment() }
		if
		:: at < nmm
		/* A short write, or as much as the socket has room for. */
		:: cut = 1
		fi;
		d_step {
			if
#ifdef M_GAP
			/* Linux before 4.9 goes on, and leaves a gap. */
			:: cut && fresh == 0 && at + 1 < nmm ->
				next_of_batch();
				wm = mmfd[at] - 1;
				wo = 0;
				cut = 0
#endif
			:: at == nmm || cut -> end_call()
			:: else
			fi
		}
		d_step { forget() }
	   }
	/* EAGAIN. */
	:: d_step {
#ifdef M_NEVER_WRITABLE
		!busy && queued > 0 ->
#else
		!busy && queued > 0 && rlen > 0 ->
#endif
		pass = 1;
		begin_call();
		end_call()
	   }
	:: d_step { !busy && queued == 0 -> closed = 1 }; break
	od
}
