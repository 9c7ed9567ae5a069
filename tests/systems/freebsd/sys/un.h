/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_UN_H
#define STUB_SYS_UN_H

#define SOL_LOCAL      0
#define LOCAL_PEERCRED 1

#endif
