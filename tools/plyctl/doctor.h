/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The findings of `doctor`, section by section. doctor_directory.c tries out a directory, doctor_engines.c looks at
 * programs and their settings.
 */
#ifndef PLYCTL_DOCTOR_H
#define PLYCTL_DOCTOR_H

#include "plyctl.h"

/* Begins a section; `title` is for people. */
void doctor_section(const char *name, const char *title);
/* Adds a finding to the section: `name` in JSON, `title` for people. Takes `value`; of an object or a list people see
 * `text`. */
void doctor_add(const char *name, const char *title, json_t *value, const char *text);
void doctor_add_text(const char *name, const char *title, const char *value); /* NULL: null, "-" */
void doctor_add_bool(const char *name, const char *title, bool value);
/* The outcome of a trial: true for 0 or more, else false with the cause for people. */
void doctor_add_trial(const char *name, const char *title, int r);
/* A sentence about something that keeps plyfs from working. */
void doctor_problem(const char *fmt, ...) PRINTF_FORMAT(1, 2);
/* A sentence about something that could be better. */
void doctor_advice(const char *fmt, ...) PRINTF_FORMAT(1, 2);

/* The path of a program of PATH, or of the folder of this program; NULL: there is none. The caller frees it. */
char *doctor_program(const char *name);
/* The first lines that a command of the shell prints, at most `max` of them, without the newline at their end. NULL: it
 * fails. The caller frees it. The command is a constant of the caller's or quoted. */
char *doctor_output(const char *command, unsigned max);
/* The first `max` bytes of a small file, without a newline at their end; NULL: it can't be read. */
char *doctor_file(const char *path, size_t max);

/* 0 or -errno. Nothing stays in the directory. */
int doctor_directory(const char *path);
void doctor_engines(void);

#endif
