/* SPDX-License-Identifier: Apache-2.0 */
/* curl.exe, which Windows has and Wine lacks: http and https over WinHTTP, which checks certificates against the roots
 * that the box has. What it says and the codes it ends with are curl's. */
#include "curloptions.h"

#include <winhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

static const struct asked *want;
static WCHAR about[512];  /* what an error is about: the host */

static int say(int code, const char *format, ...)
{
    va_list list;

    if (want->silent && !want->show_error) return code;
    va_start(list, format);
    fprintf(stderr, "curl: (%d) ", code);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    return code;
}

#define ALL_CERTIFICATES (SECURITY_FLAG_IGNORE_UNKNOWN_CA | SECURITY_FLAG_IGNORE_CERT_CN_INVALID | \
    SECURITY_FLAG_IGNORE_CERT_DATE_INVALID | SECURITY_FLAG_IGNORE_CERT_WRONG_USAGE)

/* Whether a server can be spoken with when its certificate is not looked at: Wine's WinHTTP has one error for a handshake
 * that fails and for a certificate that is refused. Nothing of what was asked for is sent. */
static BOOL is_certificate(HINTERNET connection)
{
    HINTERNET request = WinHttpOpenRequest(connection, L"HEAD", L"/", NULL, WINHTTP_NO_REFERER,
                                           WINHTTP_DEFAULT_ACCEPT_TYPES, WINHTTP_FLAG_SECURE);
    DWORD ignored = ALL_CERTIFICATES;
    BOOL spoken;

    WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored, sizeof ignored);
    spoken = WinHttpSendRequest(request, NULL, 0, NULL, 0, 0, 0);
    WinHttpCloseHandle(request);
    return spoken;
}

/* curl's code for what WinHTTP says; it has been told. */
static int said(DWORD error, int port)
{
    switch (error) {
    case ERROR_WINHTTP_NAME_NOT_RESOLVED: return say(NO_HOST, "Could not resolve host: %ls", about);
    case ERROR_WINHTTP_CANNOT_CONNECT:
        return say(NO_CONNECTION, "Failed to connect to %ls port %d: Could not connect to server", about, port);
    case ERROR_WINHTTP_TIMEOUT: return say(TOO_LATE, "Operation timed out");
    case ERROR_WINHTTP_REDIRECT_FAILED:
        if (want->https_only || want->https_redirects) /* WinHTTP has one error for both */
            return say(UNSUPPORTED, "Protocol \"http\" disabled, or more than %d redirects", want->redirects);
        return say(TOO_MANY_REDIRECTS, "Maximum (%d) redirects followed", want->redirects);
    case ERROR_WINHTTP_SECURE_FAILURE: case ERROR_WINHTTP_SECURE_INVALID_CA: case ERROR_WINHTTP_SECURE_CERT_CN_INVALID:
    case ERROR_WINHTTP_SECURE_CERT_DATE_INVALID: case ERROR_WINHTTP_SECURE_INVALID_CERT:
    case ERROR_WINHTTP_SECURE_CERT_REVOKED:
        return say(UNTRUSTED, "schannel: the certificate of %ls was not issued by an authority that is trusted here, is "
                   "for another name, or is out of date", about);
    case ERROR_WINHTTP_SECURE_CHANNEL_ERROR: return say(NO_TLS, "schannel: failed to receive handshake with %ls", about);
    default: return say(BROKEN, "Failure when receiving data from %ls: Windows error %lu", about, error);
    }
}

static BOOL make_folders(const WCHAR *path)
{
    WCHAR part[MAX_PATH * 4];

    for (int i = 0; path[i] && i < MAX_PATH * 4 - 1; i++) {
        part[i] = path[i];
        part[i + 1] = 0;
        if (i && (path[i + 1] == '\\' || path[i + 1] == '/') && path[i] != ':')
            if (!CreateDirectoryW(part, NULL) && GetLastError() != ERROR_ALREADY_EXISTS) return FALSE;
    }
    return TRUE;
}

/* Where a URL's content goes: "" is standard output; NULL when it has no name for it, which has been told. */
static const WCHAR *target(int number, const WCHAR *path)
{
    static WCHAR place[MAX_PATH * 4];
    const WCHAR *name = number < want->output_count ? want->outputs[number] : NULL, *end;
    int length;

    if (!name) return L"";
    if (!*name) {
        for (end = path; *end && *end != '?' && *end != '#'; end++) ;
        for (name = end; name > path && name[-1] != '/'; name--) ;
        if (name == end) {
            say(CANNOT_WRITE, "Remote filename has no length");
            return NULL;
        }
        length = end - name;
    } else {
        length = wcslen(name);
    }
    _snwprintf(place, MAX_PATH * 4 - 1, L"%ls%ls%.*ls", want->folder ? want->folder : L"", want->folder ? L"\\" : L"",
               length, name);
    return place;
}

static void add_header(HINTERNET request, const WCHAR *line)
{
    WinHttpAddRequestHeaders(request, line, -1, WINHTTP_ADDREQ_FLAG_ADD | WINHTTP_ADDREQ_FLAG_REPLACE);
}

/* Authorization: Basic, of the bytes of USER:PASSWORD in UTF-8. */
static void add_login(HINTERNET request, const WCHAR *user)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char plain[600] = {0};
    WCHAR line[900] = L"Authorization: Basic ";
    int size = WideCharToMultiByte(CP_UTF8, 0, user, -1, (char *)plain, sizeof plain - 3, NULL, NULL) - 1, at = wcslen(line);

    for (int i = 0; i < size; i += 3) {
        unsigned three = plain[i] << 16 | plain[i + 1] << 8 | plain[i + 2];

        line[at++] = digits[three >> 18];
        line[at++] = digits[three >> 12 & 63];
        line[at++] = i + 1 < size ? digits[three >> 6 & 63] : '=';
        line[at++] = i + 2 < size ? digits[three & 63] : '=';
    }
    line[at] = 0;
    add_header(request, line);
}

static void write_out(int status)
{
    for (const WCHAR *at = want->written; at && *at; at++) {
        if (!wcsncmp(at, L"%{http_code}", 12) || !wcsncmp(at, L"%{response_code}", 16)) {
            printf("%03d", status);
            at += at[2] == 'h' ? 11 : 15;
        } else if (*at == '\\' && (at[1] == 'n' || at[1] == 't' || at[1] == 'r')) {
            at++;
            putchar(*at == 'n' ? '\n' : *at == 't' ? '\t' : '\r');
        } else {
            putchar(*at);
        }
    }
    fflush(stdout);
}

static int write_all(HANDLE file, const void *data, DWORD size)
{
    DWORD wrote;

    for (const char *at = data; size; at += wrote, size -= wrote)
        if (!WriteFile(file, at, size, &wrote, NULL) || !wrote)
            return say(CANNOT_WRITE, "Failure writing output to destination");
    return OKAY;
}

static int write_headers(HINTERNET request, HANDLE file)
{
    static WCHAR text[32768];
    static char bytes[65536];
    DWORD size = sizeof text;

    if (!WinHttpQueryHeaders(request, WINHTTP_QUERY_RAW_HEADERS_CRLF, NULL, text, &size, NULL)) return OKAY;
    return write_all(file, bytes, WideCharToMultiByte(CP_UTF8, 0, text, size / 2, bytes, sizeof bytes, NULL, NULL));
}

/* The content of an answer, to its place. */
static int receive(HINTERNET request, const WCHAR *place, int port)
{
    static char buffer[1 << 16];
    HANDLE file = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD size = 32 * sizeof(WCHAR);
    WCHAR length[32];
    ULONGLONG missing = 0;
    int code = OKAY;

    if (WinHttpQueryHeaders(request, WINHTTP_QUERY_CONTENT_LENGTH, NULL, length, &size, NULL))
        missing = _wcstoui64(length, NULL, 10);

    if (*place) {
        if (want->create_folders && !make_folders(place))
            return say(CANNOT_WRITE, "Failed to create the folders of %ls", place);
        file = CreateFileW(place, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
        if (file == INVALID_HANDLE_VALUE)
            return say(CANNOT_WRITE, "Failure writing output to destination: %ls", place);
    }
    if (want->include || want->head) code = write_headers(request, file);
    while (!code && !want->head) {
        if (!WinHttpReadData(request, buffer, sizeof buffer, &size)) code = said(GetLastError(), port);
        else if (!size) break;
        else code = write_all(file, buffer, size);
        missing -= size < missing ? size : missing;
    }
    if (*place) CloseHandle(file);
    if (!code && missing && !want->head) /* Wine's WinHTTP takes an end that comes too early for the end */
        code = say(CUT_OFF, "end of response with %llu bytes missing", missing);
    return code;
}

static BOOL may_pass(DWORD status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* One try, the `last` or not. `again` says whether curl would try once more. */
static int transfer(HINTERNET connection, const WCHAR *path, BOOL secure, int port, const WCHAR *place, BOOL last,
                    BOOL *again)
{
    const WCHAR *method = want->method ? want->method : want->head ? L"HEAD" : want->data ? L"POST" : L"GET";
    HINTERNET request = WinHttpOpenRequest(connection, method, path, NULL, WINHTTP_NO_REFERER, WINHTTP_DEFAULT_ACCEPT_TYPES,
                                           secure ? WINHTTP_FLAG_SECURE : 0);
    DWORD policy = !want->follow ? WINHTTP_OPTION_REDIRECT_POLICY_NEVER
        : want->https_only || want->https_redirects ? WINHTTP_OPTION_REDIRECT_POLICY_DISALLOW_HTTPS_TO_HTTP
        : WINHTTP_OPTION_REDIRECT_POLICY_ALWAYS;
    DWORD most = want->redirects < 0 ? 0x7fffffff : want->redirects, status = 0, size = sizeof status;
    DWORD ignored = ALL_CERTIFICATES;
    int code = OKAY;

    *again = FALSE;
    if (!request) return said(GetLastError(), port);
    WinHttpSetOption(request, WINHTTP_OPTION_REDIRECT_POLICY, &policy, sizeof policy);
    WinHttpSetOption(request, WINHTTP_OPTION_MAX_HTTP_AUTOMATIC_REDIRECTS, &most, sizeof most);
    if (want->insecure) WinHttpSetOption(request, WINHTTP_OPTION_SECURITY_FLAGS, &ignored, sizeof ignored);
    add_header(request, L"Accept: */*");
    if (want->data) add_header(request, L"Content-Type: application/x-www-form-urlencoded");
    if (want->user) add_login(request, want->user);
    for (int i = 0; i < want->header_count; i++) add_header(request, want->headers[i]);
    if (!WinHttpSendRequest(request, NULL, 0, want->data, want->data_size, want->data_size, 0)
        || !WinHttpReceiveResponse(request, NULL)) {
        DWORD error = GetLastError();

        if (error == ERROR_WINHTTP_SECURE_CHANNEL_ERROR && !want->insecure && is_certificate(connection))
            error = ERROR_WINHTTP_SECURE_FAILURE;
        *again = error == ERROR_WINHTTP_TIMEOUT || (error == ERROR_WINHTTP_CANNOT_CONNECT && want->retry_refused);
        code = said(error, port);
    } else {
        WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER, NULL, &status, &size, NULL);
        *again = may_pass(status);
        if (status >= 400 && want->fail)
            code = say(REFUSED_BY_SERVER, "The requested URL returned error: %lu", status);
        else if (!*again || last)
            code = receive(request, place, port);
        if (!*again || last) write_out(status);
    }
    if (code && want->retry_all) *again = TRUE;
    WinHttpCloseHandle(request);
    return code;
}

/* Get one URL, in as many tries as are asked for. */
static int get(HINTERNET session, int number)
{
    static WCHAR text[8192], host[512], path[8192];
    URL_COMPONENTS parts = {.dwStructSize = sizeof parts, .lpszHostName = host, .dwHostNameLength = 512,
                            .lpszUrlPath = path, .dwUrlPathLength = 8192, .dwSchemeLength = -1, .dwExtraInfoLength = -1};
    const WCHAR *url = want->urls[number], *mark = wcsstr(url, L"://"), *place;
    HINTERNET connection;
    WCHAR *hash;
    BOOL again;
    int code, pause = want->retry_delay ? want->retry_delay : 1;

    _snwprintf(text, 8191, L"%ls%ls", mark ? L"" : L"http://", url);
    if (mark && _wcsnicmp(url, L"http://", 7) && _wcsnicmp(url, L"https://", 8))
        return say(UNSUPPORTED, "Protocol \"%.*ls\" not supported", (int)(mark - url), url);
    if (want->https_only && _wcsnicmp(text, L"https://", 8)) return say(UNSUPPORTED, "Protocol \"http\" disabled");
    if ((hash = wcschr(text, '#'))) *hash = 0;
    if (!WinHttpCrackUrl(text, 0, 0, &parts) || !*host) return say(BAD_URL, "URL using bad/illegal format or missing URL");
    wcscpy(about, host);
    if (parts.lpszExtraInfo && parts.dwExtraInfoLength)
        _snwprintf(path + wcslen(path), 8191 - wcslen(path), L"%ls", parts.lpszExtraInfo);
    if (!*path) wcscpy(path, L"/");
    if (!(place = target(number, path))) return CANNOT_WRITE;
    connection = WinHttpConnect(session, host, parts.nPort, 0);
    if (!connection) return said(GetLastError(), parts.nPort);
    for (int left = want->retries; ; left--) {
        code = transfer(connection, path, parts.nScheme == INTERNET_SCHEME_HTTPS, parts.nPort, place, left <= 0, &again);
        if (!again || left <= 0) break;
        if (!want->silent) fprintf(stderr, "Warning: will retry in %d second%s. %d retries left.\n", pause,
                                   pause == 1 ? "" : "s", left);
        Sleep(pause * 1000);
        if (!want->retry_delay) pause *= 2;
    }
    WinHttpCloseHandle(connection);
    return code;
}

static HINTERNET open_session(void)
{
    static WCHAR proxy[1024], none[1024];
    const WCHAR *named = want->proxy, *agent = want->agent ? want->agent : L"curl/8.9.1";
    HINTERNET session;

    if (!named && (GetEnvironmentVariableW(L"https_proxy", proxy, 1024) || GetEnvironmentVariableW(L"http_proxy", proxy, 1024)
                   || GetEnvironmentVariableW(L"all_proxy", proxy, 1024)))
        named = proxy;
    if (named && wcsstr(named, L"://")) named = wcsstr(named, L"://") + 3;
    if (!GetEnvironmentVariableW(L"no_proxy", none, 1024)) *none = 0;
    for (WCHAR *at = none; *at; at++) if (*at == ',') *at = ';';
    session = WinHttpOpen(agent, named && *named ? WINHTTP_ACCESS_TYPE_NAMED_PROXY : WINHTTP_ACCESS_TYPE_NO_PROXY,
                          named && *named ? named : NULL, named && *named && *none ? none : NULL, 0);
    if (session) {
        int connect = want->connect_seconds > 0 ? want->connect_seconds * 1000 : 300000;
        int whole = want->seconds > 0 ? want->seconds * 1000 : 600000;

        WinHttpSetTimeouts(session, 0, connect, whole, whole);
    }
    return session;
}

int wmain(int argc, WCHAR **argv)
{
    static struct asked asked;
    HINTERNET session;
    int code = read_options(&asked, argc, argv), one;

    want = &asked;
    if (code) return code;
    if (!(session = open_session())) return said(GetLastError(), 0);
    for (int i = 0; i < asked.url_count; i++)
        if ((one = get(session, i))) code = one;
    WinHttpCloseHandle(session);
    return code;
}
