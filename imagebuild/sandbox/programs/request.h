/* SPDX-License-Identifier: Apache-2.0 */
/* What the host asked for, and the files through which it is told: launcher.c says what is in them. */
#ifndef REQUEST_H
#define REQUEST_H

#include <windows.h>

enum { JOB, FLAGS, MEMORY, CPUS, REGISTRY, CWD, LINE, FIELDS };

struct request {
    WCHAR *field[FIELDS];
    WCHAR *environment; /* the first of the NAME=VALUE strings; an empty one ends them */
};

extern WCHAR folder[MAX_PATH]; /* the program's folder, set before all else */

HANDLE open_file(const WCHAR *name, DWORD access, DWORD how);

/* Write a word and a number as one line. */
void say(HANDLE file, const char *word, ULONGLONG number);

/* 0: there is none, or it is not whole. */
int read_request(struct request *request);

int flag(const struct request *request, WCHAR letter);

ULONGLONG number(const WCHAR *text);

#endif
