/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions, where there is somebody to answer them.
 */
#ifndef PLYCTL_ASK_H
#define PLYCTL_ASK_H

#include <stdbool.h>

/* Whether there is a terminal to ask on. */
bool ask_can(void);
/* Asks until the first letter of the answer is one of `letters`, and returns it. The first of the letters is the answer
 * of who says nothing, and of a terminal that is closed. */
char ask_letter(const char *question, const char *letters);
/* Whether the answer begins with y. False without a terminal. */
bool ask_yes(const char *question);

#endif
