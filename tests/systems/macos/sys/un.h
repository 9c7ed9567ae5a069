/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_UN_H
#define STUB_SYS_UN_H

#if !defined(_POSIX_C_SOURCE) || defined(_DARWIN_C_SOURCE)
#define SOL_LOCAL      0
#define LOCAL_PEERCRED 0x001
#define LOCAL_PEERPID  0x002
#endif

#endif
