/* SPDX-License-Identifier: ISC */
/*
 * A stream socket, one direction: bytes, and descriptors that are attached
 * to the first byte of a sendmsg(2).
 *
 * Linux (net/unix/af_unix.c): unix_stream_sendmsg() cuts a write into
 * segments and attaches the descriptor to the first of them;
 * unix_stream_read_generic() takes bytes of several segments, takes the
 * descriptor with the first byte of its segment, and then ends at the latest
 * with that segment.  BSD (uipc_socket.c, soreceive()): the descriptor starts
 * a record; a read does not go on from one record to the next, but bytes that
 * were sent later may be in it.  ANY: a read may end anywhere before a second
 * descriptor, which both keep to.
 *
 * The receiver may ask for as few bytes as it likes, so a read may end
 * earlier everywhere.  Where segments begin matters to LINUX only.
 */
byte cell[RING];
byte cfd[RING]; /* descriptor on this byte */
byte rlen;

byte n;	   /* bytes of this receipt */
byte nmax; /* at most */
byte fdat; /* place of the descriptor among them, counted from 1 */
bit lose;  /* the descriptor table is full */

/* What a read can be given at most. */
inline reach()
{
	nmax = 0;
	fdat = 0;
	do
	:: nmax == rlen -> break
	:: else ->
		if
		:: cfd[nmax] != NONE && fdat > 0 -> break
#if KERNEL == BSD
		:: cfd[nmax] != NONE && nmax > 0 -> break
#endif
#if KERNEL == LINUX
		:: fdat > 0 && (cell[nmax] & SEGMENT) -> break
#endif
		:: cfd[nmax] != NONE -> fdat = nmax + 1
		:: else
		fi;
		nmax++
	od
}

inline choose_size()
{
	if
	:: n = 1
	:: nmax >= 2 -> n = 2
	:: nmax >= 3 -> n = 3
	:: nmax >= 4 -> n = 4
	:: nmax >= 5 -> n = 5
	:: nmax >= 6 -> n = 6
	fi
}

/* A byte goes into the socket; seg: it starts a segment. */
inline put_byte(b, fd, seg)
{
	cell[rlen] = b;
	cfd[rlen] = fd;
#if KERNEL == LINUX
	/* Of interest is only where one with a descriptor ends. */
	j = rlen;
	do
	:: !(seg) || j == 0 || (cell[j - 1] & SEGMENT) -> break
	:: else ->
		j--;
		if
		:: cfd[j] != NONE ->
			cell[rlen] = cell[rlen] | SEGMENT;
			break
		:: else
		fi
	od;
#endif
	rlen++
}

/* A byte has left the socket. */
inline drop_byte()
{
	rlen--;
	j = 0;
	do
	:: j == rlen -> break
	:: else ->
		cell[j] = cell[j + 1];
		cfd[j] = cfd[j + 1];
		j++
	od;
	cell[rlen] = 0;
	cfd[rlen] = NONE
}
