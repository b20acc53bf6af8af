/* SPDX-License-Identifier: Apache-2.0 */
/* What the host asked for, and the files through which both talk: launcher.c says what is in them. */
#ifndef REQUEST_H
#define REQUEST_H

#include <windows.h>

enum { JOB, FLAGS, MEMORY, CPUS, REGISTRY, CWD, LINE, FIELDS };

struct request {
    const WCHAR *path; /* of the file */
    WCHAR *field[FIELDS];
    WCHAR *environment; /* the first of the NAME=VALUE strings; an empty one ends them */
};

/* Open both files and read the request, before all else. 0: there is none, or it is not whole. */
int read_request(const WCHAR *path, struct request *request);

/* Tell the host: a word and a number as one line, or any bytes. */
void say(const char *word, ULONGLONG number);
void say_bytes(const char *bytes, DWORD size);

int flag(const struct request *request, WCHAR letter);

ULONGLONG number(const WCHAR *text);

#endif
