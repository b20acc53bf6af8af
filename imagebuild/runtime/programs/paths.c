/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Windows and paths of Linux (a part of wcowbase.dll). C: is /prefix/drive_c in every box (bwrap.py). */
#include "base.h"

#define DRIVE_C "/prefix/drive_c"
#define DRIVES "/prefix/dosdevices/"

NTSTATUS (WINAPI *unix_name)(const OBJECT_ATTRIBUTES *, char *, ULONG *, UINT);
int (CDECL *file_of)(HANDLE, unsigned, int *, unsigned *);

NTSYSAPI NTSTATUS NTAPI LdrGetDllHandle(const WCHAR *, ULONG, const UNICODE_STRING *, HMODULE *);
NTSYSAPI NTSTATUS NTAPI LdrGetProcedureAddress(HMODULE, const ANSI_STRING *, ULONG, void **);
NTSYSAPI NTSTATUS NTAPI RtlUnicodeToUTF8N(char *, ULONG, ULONG *, const WCHAR *, ULONG);
NTSYSAPI NTSTATUS NTAPI RtlUTF8ToUnicodeN(WCHAR *, ULONG, ULONG *, const char *, ULONG);
NTSYSAPI PEB *NTAPI RtlGetCurrentPeb(void);
NTSYSAPI void *NTAPI RtlAllocateHeap(HANDLE, ULONG, SIZE_T);
NTSYSAPI BOOLEAN NTAPI RtlFreeHeap(HANDLE, ULONG, void *);

int find_wines(void)
{
    UNICODE_STRING library;
    ANSI_STRING first, second;
    HMODULE module;

    if (file_of) return 1;
    RtlInitUnicodeString(&library, L"ntdll.dll");
    RtlInitAnsiString(&first, "wine_nt_to_unix_file_name");
    RtlInitAnsiString(&second, "wine_server_handle_to_fd");
    return !LdrGetDllHandle(NULL, 0, &library, &module)
           && !LdrGetProcedureAddress(module, &first, 0, (void **)&unix_name)
           && !LdrGetProcedureAddress(module, &second, 0, (void **)&file_of);
}

void *keep(SIZE_T size)
{
    return RtlAllocateHeap(RtlGetCurrentPeb()->Reserved4[1], HEAP_ZERO_MEMORY, size);
}

void give_back(void *block)
{
    if (block) RtlFreeHeap(RtlGetCurrentPeb()->Reserved4[1], 0, block);
}

NTSTATUS status_of(long long error)
{
    switch (-error) {
    case LINUX_ENOENT: return NAME_NOT_FOUND;
    case LINUX_EEXIST: return NAME_COLLISION;
    case LINUX_ENOTEMPTY: return NOT_EMPTY;
    case LINUX_ENOTDIR: return PATH_NOT_FOUND;
    case LINUX_EROFS: return WRITE_PROTECTED;
    case LINUX_ENOSPC: return FULL;
    case LINUX_EXDEV: return NOT_SAME_DEVICE;
    case LINUX_EACCES: case LINUX_EPERM: return DENIED;
    }
    return error < 0 ? UNSUCCESSFUL : 0;
}

int to_utf8(const WCHAR *text, ULONG length, char *out, ULONG room)
{
    ULONG done;

    if (RtlUnicodeToUTF8N(out, room - 1, &done, text, length * sizeof *text)) return 0;
    out[done] = 0;
    return 1;
}

int to_utf16(const char *text, WCHAR *out, ULONG room)
{
    ULONG done;

    if (RtlUTF8ToUnicodeN(out, (room - 1) * sizeof *out, &done, text, strlen(text)) == TOO_SMALL) return 0;
    out[done / sizeof *out] = 0;
    return done / sizeof *out;
}

static void trim(char *path)
{
    size_t length = strlen(path);

    while (length && path[length - 1] == '/') path[--length] = 0;
}

/* Whether a path begins with a text of small letters and slashes. */
static int begins(const char *path, const char *with)
{
    for (; *with; path++, with++) if ((*path == '/' ? '/' : *path | 0x20) != *with) return 0;
    return 1;
}

/* Windows' own folders are spelt so in every box, and otherwise by most programs. */
static void known_case(char *path)
{
    static const char *const KNOWN[] = {"/windows", "/system32", "/users"};

    for (unsigned i = 0; i < 3; i++) {
        size_t length = strlen(KNOWN[i]);

        if (!begins(path, KNOWN[i]) || (path[length] && path[length] != '/')) {
            if (i == 1) return;
            continue;
        }
        memcpy(path, KNOWN[i], length);
        path += length;
    }
}

int quick_path(const UNICODE_STRING *name, char *out)
{
    const WCHAR *text = name->Buffer;
    ULONG length = name->Length / sizeof *text, at;
    char *rest;
    WCHAR drive;

    if (length < 7 || wcsncmp(text, L"\\??\\", 4) || text[5] != ':' || text[6] != '\\')
        return 0;
    drive = text[4] | 0x20;
    if (drive < 'a' || drive > 'z') return 0;
    strcpy(out, drive == 'c' ? DRIVE_C : DRIVES);
    at = strlen(out);
    if (drive != 'c') out[at++] = (char)drive, out[at++] = ':';
    if (!to_utf8(text + 6, length - 6, out + at, LONG_PATH - at)) return 0;
    rest = out + at;
    for (; out[at]; at++) if (out[at] == '\\') out[at] = '/';
    trim(out);
    if (drive == 'c') known_case(rest);
    return 1;
}

NTSTATUS slow_path(const OBJECT_ATTRIBUTES *attr, char *out, UINT disposition)
{
    ULONG size = LONG_PATH;
    char name[LONG_PATH];
    NTSTATUS status;

    if (!find_wines()) return NOT_SUPPORTED;
    status = unix_name(attr, name, &size, disposition);
    if (status && status != NO_SUCH_FILE) return status;
    out[0] = 0;
    if (attr->RootDirectory) {
        if (!path_of(attr->RootDirectory, out)) return INVALID;
        if (strlen(out) + strlen(name) + 2 > LONG_PATH) return NAME_INVALID;
        strcat(out, "/");
    }
    strcat(out, attr->RootDirectory && name[0] == '.' && name[1] == '/' ? name + 2 : name);
    trim(out);
    return status;
}

void path_of_number(int fd, char *out)
{
    char digits[12];
    int at = sizeof digits - 1;

    digits[at] = 0;
    do digits[--at] = '0' + fd % 10; while (fd /= 10);
    strcat(strcpy(out, "/proc/self/fd/"), digits + at);
}

int path_of(HANDLE handle, char *out)
{
    char link[40];
    int fd, length;

    if (!find_wines() || file_of(handle, 0, &fd, NULL)) return 0;
    path_of_number(fd, link);
    length = linux_readlink(AT_CWD, link, out, LONG_PATH - 1);
    linux_close(fd);
    if (length <= 0 || out[0] != '/') return 0;
    out[length] = 0;
    return 1;
}

/* What of a path is below its drive, without a slash in front; the drive's letter; NULL: it is on none. */
static const char *below(const char *path, WCHAR *drive)
{
    size_t length = strlen(DRIVE_C), others = strlen(DRIVES);

    *drive = 'C';
    if (!strncmp(path, DRIVE_C, length) && (!path[length] || path[length] == '/')) path += length;
    else if (!strncmp(path, DRIVES, others) && path[others] && path[others + 1] == ':') {
        *drive = path[others] & ~0x20;
        path += others + 2;
    } else return NULL;
    while (*path == '/') path++;
    return path;
}

const char *drive_of(const char *path)
{
    WCHAR drive;

    return below(path, &drive);
}

int nt_name(const char *path, WCHAR *out, ULONG room)
{
    WCHAR drive;
    const char *rest = below(path, &drive);

    if (!rest) return 0;
    memcpy(out, L"\\??\\C:\\", 8 * sizeof *out);
    out[4] = drive;
    if (*rest && !to_utf16(rest, out + 7, room - 7)) return 0;
    for (out += 7; *out; out++) if (*out == '/') *out = '\\';
    return 1;
}

LONGLONG filetime(struct linux_time time)
{
    return (time.seconds + 11644473600LL) * 10000000 + time.nanoseconds / 100;
}

/* --- links ------------------------------------------------------------------------------------------------------- */

static int parts_of(char *path, const char **parts)
{
    int count = 0;

    for (char *at = path; *at && count < 512;) {
        while (*at == '/') *at++ = 0;
        if (!*at) break;
        parts[count++] = at;
        while (*at && *at != '/') at++;
    }
    return count;
}

static int add(char *text, const char *name)
{
    if (strlen(text) + strlen(name) + 2 > LONGEST_LINK) return 0;
    strcat(text, name);
    return 1;
}

/* Where a target leads, seen from a link: a name on C:, or 0. */
static int destination(const WCHAR *target, const WCHAR *link, WCHAR *out)
{
    WCHAR joined[LONG_PATH], *end;

    if (!wcsncmp(target, L"\\\\?\\", 4) || !wcsncmp(target, L"\\??\\", 4)) {
        target += 4;
        if (target[0] && target[1] != ':') return 0; /* a volume, a server, a device */
    }
    if (target[0] == '\\' && target[1] == '\\') return 0;
    if (wcslen(link) + wcslen(target) + 2 > LONG_PATH) return 0;
    if (target[0] && target[1] == ':') wcscpy(joined, target);
    else {
        wcscpy(joined, link + 4);
        end = target[0] == '\\' || target[0] == '/' ? joined + 2 : wcsrchr(joined, '\\') + 1;
        wcscpy(end, target);
    }
    if ((joined[0] | 0x20) != 'c' || joined[1] != ':') return 0;
    wcscpy(out, L"\\??\\");
    if (!RtlGetFullPathName_U(joined, (LONG_PATH - 8) * sizeof *out, out + 4, NULL)) return 0;
    return wcslen(out) > 6 && out[6] == '\\';
}

/* The path below C:\ of a name, each part spelt as it is there; what is not there yet is taken as it is given. */
static int spelt(WCHAR *name, char *out)
{
    WCHAR *end = name + wcslen(name), *rest = end, drive;
    UNICODE_STRING text = {.Buffer = name};
    OBJECT_ATTRIBUTES attr = {.Length = sizeof attr, .ObjectName = &text, .Attributes = OBJ_CASE_INSENSITIVE};
    const char *found;
    size_t length;

    for (;;) { /* the longest part that is there */
        text.Length = text.MaximumLength = (USHORT)((char *)rest - (char *)name);
        if (!slow_path(&attr, out, 1)) break; /* FILE_OPEN */
        if (rest <= name + 7) return 0;
        do rest--; while (rest > name + 7 && *rest != '\\');
    }
    if (!(found = below(out, &drive))) return 0;
    memmove(out, found, strlen(found) + 1);
    trim(out);
    while (*rest == '\\') rest++;
    if (rest == end) return 1;
    length = strlen(out);
    if (length) out[length++] = '/';
    if (!to_utf8(rest, end - rest, out + length, LONGEST_LINK - length)) return 0;
    for (char *at = out + length; *at; at++) if (*at == '\\') *at = '/';
    trim(out);
    return 1;
}

int text_of(enum kind kind, const WCHAR *target, const char *path, char *out)
{
    char here[LONG_PATH], there[LONG_PATH];
    const char *above[512], *names[512], *suffix = kind == JUNCTION ? "/." : kind == DIRECTORY_LINK ? "/" : "", *folder;
    WCHAR link[LONG_PATH], full[LONG_PATH], drive;
    int depth, count, shared = 0, fits = 1, absolute;

    out[0] = 0;
    if (!nt_name(path, link, LONG_PATH) || !(folder = below(path, &drive)) || strlen(folder) > LONGEST_LINK) return 0;
    if (!destination(target, link, full) || !spelt(full, there)) {
        strcpy(out, "/nowhere/");
        if (!to_utf8(target, wcslen(target), out + 9, LONGEST_LINK - 20)) return 0;
        for (char *at = out + 9; *at; at++) if (*at == '/') *at = '\\';
        return add(out, suffix);
    }
    strcpy(here, folder);
    depth = parts_of(here, above) - 1;
    count = parts_of(there, names);
    absolute = kind == JUNCTION || target[0] == '\\' || target[0] == '/' || target[1] == ':';
    if (absolute) {
        fits = add(out, "./");
    } else {
        while (shared < depth && shared < count && !strcmp(above[shared], names[shared])) shared++;
        if (shared && shared == count) shared--;
    }
    for (int at = shared; at < depth; at++) fits = fits && add(out, "../");
    for (int at = shared; at < count; at++) fits = fits && add(out, names[at]) && add(out, "/");
    if (out[0] && strcmp(out, "./")) out[strlen(out) - 1] = 0;
    else strcpy(out, absolute ? "./." : ".");
    return fits && add(out, suffix);
}

/* "C:\" and the names of a path, ".." taken for what it means; the first names are those of the link's folder. */
static int walk(const char *folder, char *rest, WCHAR drive, WCHAR *out)
{
    char above[LONG_PATH], text[2 * LONG_PATH] = "";
    const char *names[1024], *more[512];
    int count, added;

    strcpy(above, folder);
    count = parts_of(above, names);
    if (count) count--; /* the link itself */
    added = parts_of(rest, more);
    for (int i = 0; i < added; i++) {
        if (!strcmp(more[i], "..")) count -= count > 0;
        else if (strcmp(more[i], ".")) names[count++] = more[i];
    }
    for (int i = 0; i < count; i++) {
        if (strlen(text) + strlen(names[i]) + 8 > LONG_PATH) return 0;
        if (i) strcat(text, "\\");
        strcat(text, names[i]);
    }
    out[0] = drive, out[1] = ':', out[2] = '\\', out[3] = 0;
    return !text[0] || to_utf16(text, out + 3, LONG_PATH - 3);
}

int link_of(const char *given, const char *path, struct link *out)
{
    char text[LONG_PATH];
    size_t length = strlen(given), drive_length = strlen(DRIVE_C);
    const char *folder;
    WCHAR drive;

    if (length >= LONG_PATH || !(folder = below(path, &drive))) return 0;
    memcpy(text, given, length + 1);
    out->kind = FILE_LINK;
    out->relative = 0;
    if (length > 1 && !strcmp(text + length - 2, "/.")) out->kind = JUNCTION, text[length - 2] = 0;
    else if (length && text[length - 1] == '/') out->kind = DIRECTORY_LINK, text[length - 1] = 0;
    if (!strncmp(text, "/nowhere/", 9)) {
        out->relative = text[9] != '\\' && text[10] != ':';
        return to_utf16(text + 9, out->target, LONG_PATH);
    }
    if (text[0] == '/') {
        if (strncmp(text, DRIVE_C, drive_length) || (text[drive_length] && text[drive_length] != '/')) return 0;
        return walk("", text + drive_length, 'C', out->target);
    }
    if (text[0] == '.' && text[1] == '/') return walk(folder, text + 2, drive, out->target);
    out->relative = 1;
    for (char *at = text; *at; at++) if (*at == '/') *at = '\\';
    return to_utf16(text, out->target, LONG_PATH);
}

enum kind kind_at(int at, const char *path)
{
    char text[LONG_PATH];
    struct linux_stat found;
    int length = linux_readlink(at, path, text, sizeof text - 1);

    if (length <= 0) return NO_LINK;
    text[length] = 0;
    if (text[0] == '/' && strncmp(text, "/nowhere/", 9) && strncmp(text, DRIVE_C, strlen(DRIVE_C))) return NO_LINK;
    if (length > 1 && text[length - 1] == '.' && text[length - 2] == '/') return JUNCTION;
    if (text[length - 1] == '/') return DIRECTORY_LINK;
    /* One that a program made by a call of Linux does not say what it leads to. */
    return !linux_stat(at, path, &found, 0) && (found.mode & KIND_MODE) == DIRECTORY_MODE ? DIRECTORY_LINK : FILE_LINK;
}

ULONG tag_of(enum kind kind)
{
    return kind == JUNCTION ? 0xA0000003 : kind ? 0xA000000C : 0; /* IO_REPARSE_TAG_MOUNT_POINT, _SYMLINK */
}

ULONG attributes_of(enum kind kind)
{
    return FILE_ATTRIBUTE_REPARSE_POINT | (kind == FILE_LINK ? FILE_ATTRIBUTE_ARCHIVE : FILE_ATTRIBUTE_DIRECTORY);
}
