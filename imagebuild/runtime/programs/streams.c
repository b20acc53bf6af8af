/* SPDX-License-Identifier: Apache-2.0 */
/* The list of a file's streams (a part of wcowbase.dll). Wine makes file:stream a file of that name beside it and has no
 * list of them, so these names are looked for.
 */
#include "base.h"

#define NAME_ROOM 256
#define AT_END 38 /* ERROR_HANDLE_EOF */
#define MAGIC 0xC0FFEE11 /* of what FindClose frees (FIND_FIRST_INFO, dlls/kernelbase/file.c) */

struct stream { LONGLONG size; WCHAR name[MAX_PATH + 36]; }; /* WIN32_FIND_STREAM_DATA */

struct search {
    DWORD magic;
    HANDLE file;
    CRITICAL_SECTION lock;
    void *unused;
    UNICODE_STRING path;
    ULONG rest[16];
    ULONG next, count;
    struct stream streams[];
};

NTSYSAPI void NTAPI RtlSetLastWin32Error(DWORD);
NTSYSAPI NTSTATUS NTAPI RtlInitializeCriticalSection(CRITICAL_SECTION *);

_Static_assert(offsetof(struct search, lock) == 0x10 && offsetof(struct search, path) == 0x40, "as in kernelbase");

/* The search with one stream more. */
static struct search *add(struct search *search, const WCHAR *name, ULONG length, LONGLONG size)
{
    struct search *more = search;
    ULONG count = search ? search->count : 0;
    struct stream *new;

    if (!(count & (count - 1))) { /* room for twice as many */
        more = keep(sizeof *more + (count ? 2 * count : 1) * sizeof *more->streams);
        if (more && search) memcpy(more, search, sizeof *more + count * sizeof *more->streams);
        give_back(search);
        if (!more) return NULL;
    }
    new = &more->streams[more->count++];
    new->size = size;
    new->name[0] = ':';
    memcpy(new->name + 1, name, length * sizeof *name);
    memcpy(new->name + 1 + length, L":$DATA", sizeof L":$DATA");
    return more;
}

/* Where the stream's name begins in a name that is this file's and a stream's; 0: it is another. */
static ULONG stream_at(const WCHAR *name, const WCHAR *file)
{
    ULONG at = 0;

    for (; file[at]; at++)
        if (RtlUpcaseUnicodeChar(name[at]) != RtlUpcaseUnicodeChar(file[at])) return 0;
    return name[at] == ':' && name[at + 1] && name[at + 1] != ':' ? at + 1 : 0;
}

static struct search *named(struct search *search, char *path)
{
    char names[8192] __attribute__((aligned(8))), *base = strrchr(path, '/');
    WCHAR name[NAME_ROOM], file[NAME_ROOM];
    struct linux_stat found;
    long long got;
    int fd;

    if (!base || !to_utf16(base + 1, file, NAME_ROOM)) return search;
    *base = 0;
    if ((fd = linux_open(AT_CWD, *path ? path : "/", OPEN_DIRECTORY, 0)) < 0) return search;
    while ((got = linux_entries(fd, names, sizeof names)) > 0)
        for (char *at = names; at < names + got; at += ((struct linux_entry *)at)->length) {
            const char *text = ((struct linux_entry *)at)->name;
            ULONG length, begin;

            if (!strrchr(text, ':') || !(length = to_utf16(text, name, NAME_ROOM)) || !(begin = stream_at(name, file)))
                continue;
            if (length - begin > 6 && !wcsncmp(name + length - 6, L":$DATA", 6)) length -= 6;
            if (!linux_stat(fd, text, &found, AT_NOFOLLOW)) search = add(search, name + begin, length - begin, found.size);
        }
    linux_close(fd);
    return search;
}

BOOL WINAPI FindNextStreamW(HANDLE handle, void *out)
{
    struct search *search = handle;

    if (search->next == search->count) {
        RtlSetLastWin32Error(AT_END);
        return FALSE;
    }
    memcpy(out, &search->streams[search->next++], sizeof *search->streams);
    return TRUE;
}

HANDLE WINAPI FindFirstStreamW(const WCHAR *name, STREAM_INFO_LEVELS level, void *out, DWORD flags)
{
    UNICODE_STRING nt = {0};
    OBJECT_ATTRIBUTES attr = {.Length = sizeof attr, .ObjectName = &nt, .Attributes = OBJ_CASE_INSENSITIVE};
    struct search *search = NULL;
    char path[LONG_PATH];
    struct linux_stat found;
    NTSTATUS status = level || flags || !out ? INVALID : find_wines() ? 0 : NOT_SUPPORTED;

    if (!status && !RtlDosPathNameToNtPathName_U(name, &nt, NULL, NULL)) status = PATH_NOT_FOUND;
    if (!status) status = slow_path(&attr, path, 1);
    if (!status) status = status_of(linux_stat(AT_CWD, path, &found, 0));
    give_back(nt.Buffer);
    if (status) {
        RtlSetLastWin32ErrorAndNtStatusFromNtStatus(status);
        return INVALID_HANDLE_VALUE;
    }
    if ((found.mode & KIND_MODE) != DIRECTORY_MODE) search = add(NULL, L"", 0, found.size);
    search = named(search, path);
    if (!search) {
        RtlSetLastWin32Error(AT_END);
        return INVALID_HANDLE_VALUE;
    }
    search->magic = MAGIC;
    RtlInitializeCriticalSection(&search->lock);
    FindNextStreamW(search, out);
    return search;
}
