/* SPDX-License-Identifier: ISC */
#define LOCAL_PEERCRED 0x001
