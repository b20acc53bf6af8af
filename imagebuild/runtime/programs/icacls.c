/* SPDX-License-Identifier: Apache-2.0 */
/* icacls.exe: shows and changes access control lists and owners of files. Wine has none that does; what is kept, and what
 * a folder hands down, is in security.c.
 *
 * Done are /grant[:r], /deny, /remove[:g|:d], /inheritance:e|d|r, /reset and /setowner, with /T, /C, /L and /Q. /save,
 * /restore, /findsid, /verify and /setintegritylevel are refused.
 */
#include "icacls.h"

#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

#define LONG_PATH 4096
#define INVALID_PARAMETER 87
#define NO_ACCOUNT 1332 /* ERROR_NONE_MAPPED */
#define NOT_HERE 50 /* ERROR_NOT_SUPPORTED */

static struct change changes[MOST_CHANGES];
static int count, below, go_on, quiet, done, failed;

static void say(DWORD stream, const WCHAR *format, ...)
{
    static WCHAR text[2 * LONG_PATH];
    static char bytes[6 * LONG_PATH];
    HANDLE out = GetStdHandle(stream);
    va_list arguments;
    DWORD wrote;
    int length;

    va_start(arguments, format);
    length = _vsnwprintf(text, 2 * LONG_PATH - 1, format, arguments);
    va_end(arguments);
    if (length < 0) length = 2 * LONG_PATH - 1;
    if (GetConsoleMode(out, &wrote)) {
        WriteConsoleW(out, text, (DWORD)length, &wrote, NULL);
        return;
    }
    length = WideCharToMultiByte(CP_OEMCP, 0, text, length, bytes, sizeof bytes, NULL, NULL);
    WriteFile(out, bytes, (DWORD)length, &wrote, NULL);
}

static DWORD complain(const WCHAR *about, DWORD error)
{
    WCHAR text[512] = L"";

    FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, text, 500, NULL);
    if (!*text) _snwprintf(text, 500, L"Windows error %lu.\r\n", error);
    say(STD_ERROR_HANDLE, L"%ls: %ls", about, text);
    failed++;
    return error;
}

static DWORD end(DWORD error)
{
    if (!quiet || error)
        say(STD_OUTPUT_HANDLE, L"Successfully processed %d files; Failed processing %d files\r\n", done, failed);
    return error;
}

/* --- one file ------------------------------------------------------------------------------------------------------- */

static void show(const WCHAR *path, const ACL *list)
{
    WCHAR name[NAME_ROOM], rights[256];
    ACE_HEADER *entry;

    if (!list) say(STD_OUTPUT_HANDLE, L"%ls No permissions are set. All users have full control.\r\n", path);
    else if (!list->AceCount) say(STD_OUTPUT_HANDLE, L"%ls No permissions are set. No user has access.\r\n", path);
    for (DWORD i = 0; list && i < list->AceCount && GetAce((ACL *)list, i, (void **)&entry); i++) {
        name_account((SID *)&((ACCESS_ALLOWED_ACE *)entry)->SidStart, name);
        show_rights(entry, rights);
        if (i) say(STD_OUTPUT_HANDLE, L"%*ls %ls:%ls\r\n", (int)wcslen(path), L"", name, rights);
        else say(STD_OUTPUT_HANDLE, L"%ls %ls:%ls\r\n", path, name, rights);
    }
    say(STD_OUTPUT_HANDLE, L"\r\n");
}

static DWORD change(HANDLE file, const ACL *list, int protected)
{
    static BYTE room[LIST_ROOM];
    SECURITY_DESCRIPTOR to;
    SECURITY_INFORMATION bits = 0;
    const BYTE *owner = NULL;
    int lists = 0;

    for (int i = 0; i < count; i++)
        if (changes[i].verb == OWNER) owner = changes[i].sid;
        else lists = 1;
    InitializeSecurityDescriptor(&to, SECURITY_DESCRIPTOR_REVISION);
    if (lists) {
        if (!changed_list(list, protected, changes, count, (ACL *)room, &bits)) return ERROR_NOT_ENOUGH_MEMORY;
        SetSecurityDescriptorDacl(&to, TRUE, (ACL *)room, FALSE);
    }
    if (owner) SetSecurityDescriptorOwner(&to, (PSID)owner, FALSE), bits |= OWNER_SECURITY_INFORMATION;
    return SetKernelObjectSecurity(file, bits, &to) ? 0 : GetLastError();
}

static DWORD one_file(const WCHAR *path)
{
    static BYTE bytes[LIST_ROOM];
    DWORD access = READ_CONTROL, error = 0, size;
    SECURITY_DESCRIPTOR_CONTROL control;
    BOOL present, unused;
    ACL *list = NULL;
    HANDLE file;

    for (int i = 0; i < count; i++) access |= changes[i].verb == OWNER ? WRITE_OWNER : WRITE_DAC;
    file = CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (file == INVALID_HANDLE_VALUE) return complain(path, GetLastError());
    if (!GetKernelObjectSecurity(file, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, bytes, sizeof bytes, &size)
        || !GetSecurityDescriptorDacl(bytes, &present, &list, &unused)
        || !GetSecurityDescriptorControl(bytes, &control, &size))
        error = GetLastError();
    else if (!count) show(path, list);
    else error = change(file, list, control & SE_DACL_PROTECTED);
    CloseHandle(file);
    if (error) return complain(path, error);
    if (count && !quiet) say(STD_OUTPUT_HANDLE, L"processed file: %ls\r\n", path);
    done++;
    return 0;
}

static DWORD matching(const WCHAR *folder, const WCHAR *pattern);

static DWORD with_all_below(const WCHAR *path, int is_folder)
{
    DWORD error = one_file(path), later;

    if ((!error || go_on) && below && is_folder && (later = matching(path, L"*"))) error = later;
    return error;
}

/* All that a pattern means in a folder (NULL: the current one), with what is below each. A link is not followed. */
static DWORD matching(const WCHAR *folder, const WCHAR *pattern)
{
    WCHAR *path = malloc(LONG_PATH * sizeof *path);
    DWORD error = 0, one;
    WIN32_FIND_DATAW found;
    HANDLE search;
    int length;

    if (!path) return ERROR_NOT_ENOUGH_MEMORY;
    length = !folder ? 0 : _snwprintf(path, LONG_PATH, L"%ls%ls", folder, folder[wcslen(folder) - 1] == '\\' ? L"" : L"\\");
    if (length < 0 || length + wcslen(pattern) >= LONG_PATH) one = error = ERROR_FILENAME_EXCED_RANGE;
    else {
        wcscpy(path + length, pattern);
        search = FindFirstFileW(path, &found);
        if (search == INVALID_HANDLE_VALUE) error = complain(path, GetLastError());
        else {
            do {
                if (!wcscmp(found.cFileName, L".") || !wcscmp(found.cFileName, L"..")
                    || length + wcslen(found.cFileName) >= LONG_PATH)
                    continue;
                wcscpy(path + length, found.cFileName);
                one = with_all_below(path, found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY
                                           && !(found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT));
                if (one) error = one;
            } while ((!error || go_on) && FindNextFileW(search, &found));
            FindClose(search);
        }
    }
    free(path);
    return error;
}

static DWORD all_files(WCHAR *name)
{
    WCHAR *last = name;
    DWORD attributes;

    for (WCHAR *at = name; *at; at++) if (*at == '\\' || *at == '/') last = at + 1;
    if (wcspbrk(last, L"*?")) {
        if (last == name) return matching(NULL, name);
        last[-1] = 0;
        return matching(*name ? name : L"\\", last);
    }
    if (last > name + 1 && !*last && last[-2] != ':') last[-1] = 0; /* a slash behind a folder */
    attributes = GetFileAttributesW(name);
    if (attributes == INVALID_FILE_ATTRIBUTES) return complain(name, GetLastError());
    return with_all_below(name, !!(attributes & FILE_ATTRIBUTE_DIRECTORY));
}

/* --- what is asked -------------------------------------------------------------------------------------------------- */

static DWORD wrong(const WCHAR *word)
{
    say(STD_ERROR_HANDLE, L"Invalid parameter \"%ls\"\r\n", word);
    return INVALID_PARAMETER;
}

/* "Name:rights" or, of what is removed or owns, "Name". */
static DWORD add_account(enum verb verb, int replace, WCHAR *word)
{
    struct change *to = &changes[count];
    WCHAR *rights = verb == GRANT || verb == DENY ? wcschr(word, ':') : NULL;

    if (count == MOST_CHANGES) return wrong(word);
    if (verb == GRANT || verb == DENY) {
        if (!rights || !read_rights(rights + 1, &to->mask, &to->flags)) return wrong(word);
        *rights = 0;
    }
    if (!find_account(word, to->sid)) return complain(word, NO_ACCOUNT);
    to->verb = verb;
    to->replace = replace;
    count++;
    return 0;
}

static DWORD read_options(int argc, WCHAR **argv)
{
    static const struct { const WCHAR *name; enum verb verb; int replace; } WITH_ACCOUNTS[] = {
        {L"/grant", GRANT, 0}, {L"/grant:r", GRANT, 1}, {L"/deny", DENY, 0}, {L"/remove", REMOVE, ALLOWED | DENIED},
        {L"/remove:g", REMOVE, ALLOWED}, {L"/remove:d", REMOVE, DENIED}, {L"/setowner", OWNER, 0},
    };
    DWORD error;

    for (int at = 2; at < argc; at++) {
        const WCHAR *word = argv[at];
        unsigned i = 0;

        while (i < 7 && _wcsicmp(word, WITH_ACCOUNTS[i].name)) i++;
        if (i < 7) {
            if (at + 1 == argc || argv[at + 1][0] == '/') return wrong(word);
            do {
                if ((error = add_account(WITH_ACCOUNTS[i].verb, WITH_ACCOUNTS[i].replace, argv[++at]))) return error;
            } while (WITH_ACCOUNTS[i].verb != OWNER && at + 1 < argc && argv[at + 1][0] != '/');
        } else if (!_wcsnicmp(word, L"/inheritance:", 13) && word[13] && wcschr(L"edrEDR", word[13]) && !word[14]) {
            if (count == MOST_CHANGES) return wrong(word);
            changes[count++] = (struct change){.verb = INHERIT, .replace = word[13] | 0x20};
        } else if (!_wcsicmp(word, L"/reset")) {
            if (count == MOST_CHANGES) return wrong(word);
            changes[count++] = (struct change){.verb = RESET};
        } else if (!_wcsicmp(word, L"/t")) below = 1;
        else if (!_wcsicmp(word, L"/c")) go_on = 1;
        else if (!_wcsicmp(word, L"/q")) quiet = 1;
        else if (!_wcsicmp(word, L"/l")) continue; /* the link itself: it has no list of its own here */
        else if (!_wcsicmp(word, L"/save") || !_wcsicmp(word, L"/restore") || !_wcsicmp(word, L"/findsid")
                 || !_wcsicmp(word, L"/verify") || !_wcsicmp(word, L"/substitute")
                 || !_wcsicmp(word, L"/setintegritylevel")) {
            say(STD_ERROR_HANDLE, L"icacls: cannot run here: %ls is not done by icacls of this sandbox\r\n", word);
            return NOT_HERE;
        } else return wrong(word);
    }
    return 0;
}

int wmain(int argc, WCHAR **argv)
{
    static WCHAR name[LONG_PATH];
    DWORD error;

    if (argc < 2 || !wcscmp(argv[1], L"/?")) {
        say(STD_OUTPUT_HANDLE, L"ICACLS name [/grant[:r] Sid:perm[...]] [/deny Sid:perm[...]] [/remove[:g|:d]] Sid[...]]\r\n"
            L"       [/inheritance:e|d|r] [/reset] [/setowner user] [/T] [/C] [/L] [/Q]\r\n");
        return argc < 2 ? INVALID_PARAMETER : 0;
    }
    if (wcslen(argv[1]) >= LONG_PATH) return (int)wrong(argv[1]);
    if ((error = read_options(argc, argv))) return (int)(failed ? end(error) : error);
    return (int)end(all_files(wcscpy(name, argv[1])));
}
