/* SPDX-License-Identifier: Apache-2.0 */
/* The options of curl that build steps use. One that is not known here ends with 2, as with curl; none is passed over
 * that would change what is transferred. */
#include "curloptions.h"

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

enum kind { FLAG, TEXT, NUMBER, SECONDS, IGNORED, IGNORED_VALUE, OUTPUT, REMOTE_NAME, HEADER, DATA, HELP, VERSION, URL, HTTPS };

#define AT(field) offsetof(struct asked, field)
static const struct { WCHAR letter; const WCHAR *name; enum kind kind; size_t at; } OPTIONS[] = {
    {'L', L"location", FLAG, AT(follow)}, {'s', L"silent", FLAG, AT(silent)}, {'S', L"show-error", FLAG, AT(show_error)},
    {'f', L"fail", FLAG, AT(fail)}, {'k', L"insecure", FLAG, AT(insecure)}, {'I', L"head", FLAG, AT(head)},
    {'i', L"include", FLAG, AT(include)}, {0, L"create-dirs", FLAG, AT(create_folders)},
    {0, L"retry-all-errors", FLAG, AT(retry_all)}, {0, L"retry-connrefused", FLAG, AT(retry_refused)},
    {'X', L"request", TEXT, AT(method)}, {'A', L"user-agent", TEXT, AT(agent)}, {'u', L"user", TEXT, AT(user)},
    {'x', L"proxy", TEXT, AT(proxy)}, {0, L"output-dir", TEXT, AT(folder)}, {'w', L"write-out", TEXT, AT(written)},
    {0, L"retry", NUMBER, AT(retries)}, {0, L"retry-delay", NUMBER, AT(retry_delay)},
    {0, L"max-redirs", NUMBER, AT(redirects)},
    {0, L"connect-timeout", SECONDS, AT(connect_seconds)}, {'m', L"max-time", SECONDS, AT(seconds)},
    {'o', L"output", OUTPUT, 0}, {'O', L"remote-name", REMOTE_NAME, 0}, {'H', L"header", HEADER, 0},
    {'d', L"data", DATA, 0}, {0, L"data-raw", DATA, 1}, {0, L"data-binary", DATA, 2}, {0, L"data-ascii", DATA, 0},
    {0, L"proto", HTTPS, AT(https_only)}, {0, L"proto-redir", HTTPS, AT(https_redirects)},
    {0, L"url", URL, 0}, {'h', L"help", HELP, 0}, {'V', L"version", VERSION, 0},
    /* They change what is shown, or ask for what Windows decides by itself. */
    {'#', L"progress-bar", IGNORED, 0}, {'v', L"verbose", IGNORED, 0}, {0, L"no-progress-meter", IGNORED, 0},
    {0, L"ssl-no-revoke", IGNORED, 0}, {0, L"ssl-revoke-best-effort", IGNORED, 0}, {0, L"tlsv1.2", IGNORED, 0},
    {0, L"tlsv1.3", IGNORED, 0}, {'1', L"tlsv1", IGNORED, 0}, {0, L"http1.1", IGNORED, 0}, {0, L"http2", IGNORED, 0},
    {0, L"compressed", IGNORED, 0}, {'4', L"ipv4", IGNORED, 0}, {'6', L"ipv6", IGNORED, 0}, {'N', L"no-buffer", IGNORED, 0},
    {'q', L"disable", IGNORED, 0}, {0, L"no-keepalive", IGNORED, 0}, {0, L"fail-early", IGNORED, 0},
    {0, L"tls-max", IGNORED_VALUE, 0},
    {0, L"retry-max-time", IGNORED_VALUE, 0}, {0, L"limit-rate", IGNORED_VALUE, 0}, {'y', L"speed-time", IGNORED_VALUE, 0},
    {'Y', L"speed-limit", IGNORED_VALUE, 0}, {0, L"keepalive-time", IGNORED_VALUE, 0},
};

static int usage(const WCHAR *option, const char *why)
{
    fprintf(stderr, "curl: option %ls: %s\ncurl: try 'curl --help' for more information\n", option, why);
    return USAGE;
}

static int find(const WCHAR *name, WCHAR letter)
{
    for (unsigned i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++)
        if (name ? !wcscmp(OPTIONS[i].name, name) : OPTIONS[i].letter == letter) return i;
    return -1;
}

static int add(const WCHAR **list, int *count, const WCHAR *text, const WCHAR *option)
{
    if (*count == MOST) return usage(option, "is given too often");
    list[(*count)++] = text;
    return OKAY;
}

/* Put one more piece of a body behind those before; `form` is 0 where @FILE loses its line ends, 1 where an @ is text. */
static int add_data(struct asked *asked, const WCHAR *text, int form)
{
    char *more = NULL;
    DWORD size = 0, kept = 0;

    if (*text == '@' && form != 1) {
        HANDLE file = CreateFileW(text + 1, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);

        if (file == INVALID_HANDLE_VALUE) {
            fprintf(stderr, "curl: option --data: error encountered when reading a file\n");
            return CANNOT_READ;
        }
        size = GetFileSize(file, NULL);
        more = malloc(size + 1);
        if (!more || !ReadFile(file, more, size, &size, NULL)) return CANNOT_READ;
        CloseHandle(file);
        for (DWORD i = 0; i < size; i++)
            if (form == 2 || (more[i] != '\r' && more[i] != '\n')) more[kept++] = more[i];
        size = kept;
    } else {
        size = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
        more = malloc(size);
        if (!more) return CANNOT_READ;
        WideCharToMultiByte(CP_UTF8, 0, text, -1, more, size, NULL, NULL);
        size--;
    }
    asked->data = realloc(asked->data, asked->data_size + size + 1);
    if (!asked->data) return CANNOT_READ;
    if (asked->data_size) asked->data[asked->data_size++] = '&';
    memcpy(asked->data + asked->data_size, more, size);
    asked->data_size += size;
    free(more);
    return OKAY;
}

static int take(struct asked *asked, int number, const WCHAR *value, const WCHAR *option)
{
    void *place = (char *)asked + OPTIONS[number].at;
    WCHAR *end;

    switch (OPTIONS[number].kind) {
    case FLAG: *(BOOL *)place = TRUE; return OKAY;
    case TEXT: *(const WCHAR **)place = value; return OKAY;
    case NUMBER:
        *(int *)place = wcstol(value, &end, 10);
        return *end || end == value ? usage(option, "expected a proper numerical parameter") : OKAY;
    case SECONDS:
        *(double *)place = wcstod(value, &end);
        return *end || end == value ? usage(option, "expected a proper numerical parameter") : OKAY;
    case OUTPUT: return add(asked->outputs, &asked->output_count, wcscmp(value, L"-") ? value : NULL, option);
    case REMOTE_NAME: return add(asked->outputs, &asked->output_count, L"", option);
    case HEADER: return add(asked->headers, &asked->header_count, value, option);
    case URL: return add(asked->urls, &asked->url_count, value, option);
    case DATA: return add_data(asked, value, OPTIONS[number].at);
    case HTTPS:
        if (wcscmp(value, L"=https")) return usage(option, "is known here with =https alone");
        *(BOOL *)place = TRUE;
        return OKAY;
    case HELP:
        printf("Usage: curl [options...] <url>\nA curl of this sandbox, over WinHTTP: http and https, the options that "
               "downloads use.\n");
        exit(OKAY);
    case VERSION:
        printf("curl of a sandbox (Windows) WinHTTP\nProtocols: http https\n");
        exit(OKAY);
    default: return OKAY;
    }
}

static BOOL takes_value(int number)
{
    enum kind kind = OPTIONS[number].kind;

    return kind == TEXT || kind == NUMBER || kind == SECONDS || kind == IGNORED_VALUE || kind == OUTPUT || kind == HEADER
        || kind == DATA || kind == URL || kind == HTTPS;
}

int read_options(struct asked *asked, int argc, WCHAR **argv)
{
    int number, failed = OKAY;

    asked->redirects = 50;
    for (int at = 1; at < argc && !failed; at++) {
        WCHAR *word = argv[at], letter[3] = L"-";

        if (*word != '-' || !word[1]) { failed = add(asked->urls, &asked->url_count, word, word); continue; }
        if (word[1] == '-') {
            if ((number = find(word + 2, 0)) < 0) return usage(word, "is unknown");
            if (takes_value(number) && ++at == argc) return usage(word, "requires parameter");
            failed = take(asked, number, argv[at], word);
            continue;
        }
        for (word++; *word && !failed; word++) {
            letter[1] = *word;
            if ((number = find(NULL, *word)) < 0) return usage(letter, "is unknown");
            if (!takes_value(number)) { failed = take(asked, number, NULL, letter); continue; }
            if (word[1]) failed = take(asked, number, word + 1, letter);
            else if (++at == argc) return usage(letter, "requires parameter");
            else failed = take(asked, number, argv[at], letter);
            break;
        }
    }
    if (failed) return failed;
    if (!asked->url_count) {
        fprintf(stderr, "curl: (2) no URL specified\ncurl: try 'curl --help' for more information\n");
        return USAGE;
    }
    return OKAY;
}
