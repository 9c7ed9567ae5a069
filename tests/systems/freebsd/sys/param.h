/* SPDX-License-Identifier: ISC */
#ifndef __FreeBSD_version
#define __FreeBSD_version 1400097
#endif
