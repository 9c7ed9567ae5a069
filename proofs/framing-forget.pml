/* SPDX-License-Identifier: ISC */
/*
 * Of the model only: a message that has left the sender and was delivered is
 * forgotten, and all others get the number below theirs.  So two states that
 * differ only in what was before are one.
 */
inline forget_oldest()
{
	j = 0;
	do
	:: j == K - 1 -> break
	:: else ->
		shape[j] = shape[j + 1];
		j++
	od;
	shape[K - 1] = 0;
	tail--;
	j = 0;
	do
	:: j == rlen -> break
	:: else ->
		cell[j] = cell[j] - BYTE(1, 0);
		cfd[j] = RENUMBER(cfd[j] & 15) | (cfd[j] & EXTRA);
		j++
	od;
	j = inpos;
	do
	:: j == inend -> break
	:: else ->
		inp[j] = inp[j] - BYTE(1, 0);
		j++
	od;
	j = 0;
	do
	:: j == TOKSZ -> break
	:: else ->
		tok[j] = RENUMBER(tok[j]);
		j++
	od;
	curfd = RENUMBER(curfd);
	cur = (cur > 0 -> cur - 1 : 0);
#if SENDER != HOSTILE
	wm = (busy -> wm - 1 : 0);
	j = 0;
	do
	:: j == nmm -> break
	:: else ->
		mmfd[j] = RENUMBER(mmfd[j]);
		j++
	od
#endif
}

inline forget()
{
	do
	:: tail > queued && tail > coming -> forget_oldest()
	:: else -> break
	od;
	skip
}
