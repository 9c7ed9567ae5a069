/* SPDX-License-Identifier: ISC */
/*
 * The program that is executed in a sandbox: linked statically, so that it
 * needs no other file.
 */
int
main(void)
{
	return 0;
}
