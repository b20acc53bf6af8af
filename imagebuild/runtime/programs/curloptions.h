/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#define MOST 64

/* Exit codes of curl (its manual, "EXIT CODES"). */
enum { OKAY = 0, UNSUPPORTED = 1, USAGE = 2, BAD_URL = 3, NO_HOST = 6, NO_CONNECTION = 7, CUT_OFF = 18, REFUSED_BY_SERVER = 22,
       CANNOT_WRITE = 23, CANNOT_READ = 26, TOO_LATE = 28, NO_TLS = 35, TOO_MANY_REDIRECTS = 47, BROKEN = 56,
       UNTRUSTED = 60 };

/* What a command line asks for. An output of "" is the URL's own last name (-O), NULL standard output. */
struct asked {
    const WCHAR *urls[MOST], *outputs[MOST], *headers[MOST];
    int url_count, output_count, header_count;
    const WCHAR *method, *agent, *user, *proxy, *folder, *written;
    char *data;
    DWORD data_size;
    BOOL follow, silent, show_error, fail, insecure, head, include, create_folders, retry_all, retry_refused, https_only,
        https_redirects;
    int retries, retry_delay, redirects;
    double connect_seconds, seconds;
};

/* Read a command line; OKAY, or the exit code once it has said what is wrong. */
int read_options(struct asked *asked, int argc, WCHAR **argv);
