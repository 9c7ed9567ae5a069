/* SPDX-License-Identifier: ISC */
#define INT_MAX __INT_MAX__
