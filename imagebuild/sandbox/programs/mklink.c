/* SPDX-License-Identifier: Apache-2.0 */
/* mklink, which in Wine's cmd makes nothing and ends with 0 (/D and plain), or fails (/J).
 *
 * A link is a Linux link whose text says what Windows keeps in the reparse point (see links.py for the forms). Wine
 * makes none, so the system call is made from here: a program in Wine is a Linux process. Names are found as Wine finds
 * them, without regard to case, and written as they are spelt.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

#define LONG_PATH 4096
#define LONGEST 4000
#define SYS_SYMLINK 88
#define LINUX_EEXIST 17
#define LINUX_ENOENT 2
#define LINUX_EACCES 13
#define LINUX_EROFS 30

typedef char *(CDECL *unix_name_fn)(const WCHAR *);

static unix_name_fn unix_name;

static const char USAGE[] =
    "Makes a link.\r\n\r\nMKLINK [[/D] | [/H] | [/J]] Link Target\r\n\r\n"
    "        /D      a symbolic link to a folder; without it, to a file\r\n"
    "        /H      a hard link\r\n"
    "        /J      a junction\r\n";

static long linux_symlink(const char *target, const char *path)
{
    long result;

    __asm__ volatile("syscall" : "=a"(result) : "a"((long)SYS_SYMLINK), "D"(target), "S"(path)
                     : "rcx", "r11", "memory");
    return result;
}

static void say(DWORD stream, const WCHAR *text)
{
    HANDLE out = GetStdHandle(stream);
    static char bytes[3 * LONG_PATH];
    DWORD wrote;
    int length;

    if (GetConsoleMode(out, &wrote)) {
        WriteConsoleW(out, text, lstrlenW(text), &wrote, NULL);
        return;
    }
    length = WideCharToMultiByte(CP_OEMCP, 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    if (length > 1) WriteFile(out, bytes, length - 1, &wrote, NULL);
}

static int fail(DWORD error)
{
    WCHAR text[512];
    DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error, 0, text, 500,
                                  NULL);

    if (error == ERROR_ALREADY_EXISTS) lstrcpyW(text, L"Cannot create a file when that file already exists.\r\n");
    else if (!length) wsprintfW(text, L"Windows error %lu.\r\n", error);
    say(STD_ERROR_HANDLE, text);
    return 1;
}

static int fail_linux(long number)
{
    switch (-number) {
    case LINUX_EEXIST: return fail(ERROR_ALREADY_EXISTS);
    case LINUX_ENOENT: return fail(ERROR_PATH_NOT_FOUND);
    case LINUX_EROFS: return fail(ERROR_WRITE_PROTECT);
    case LINUX_EACCES: return fail(ERROR_ACCESS_DENIED);
    }
    return fail(ERROR_GEN_FAILURE);
}

/* The path below C:\ of a full path, with slashes, each name spelt as it is there; 0 where there is none. What is not
 * there yet is taken as it is given. */
static int below_drive(const WCHAR *full, char *out)
{
    static char drive[LONG_PATH];
    WCHAR head[LONG_PATH];
    const WCHAR *rest;
    char *found = NULL;
    size_t length;

    if (!drive[0]) {
        char *root = unix_name(L"C:\\");

        if (!root || strlen(root) >= sizeof drive) return 0;
        strcpy(drive, root);
        while (drive[0] && drive[strlen(drive) - 1] == '/') drive[strlen(drive) - 1] = 0;
    }
    lstrcpyW(head, full);
    for (;;) { /* the longest part that is there */
        WCHAR *slash;

        if (GetFileAttributesW(head) != INVALID_FILE_ATTRIBUTES && (found = unix_name(head))) break;
        slash = wcsrchr(head, '\\');
        if (!slash || slash - head < 3) { /* "C:\name": the drive is always there */
            head[3] = 0;
            found = unix_name(head);
            break;
        }
        *slash = 0;
    }
    length = strlen(drive);
    if (!found || strncmp(found, drive, length) || strlen(found + length) >= LONGEST) return 0;
    strcpy(out, found + length);
    length = strlen(out);
    while (length && out[length - 1] == '/') out[--length] = 0;
    for (rest = full + lstrlenW(head); *rest == '\\'; rest++) ;
    if (*rest) {
        int wrote;

        out[length++] = '/';
        wrote = WideCharToMultiByte(CP_UTF8, 0, rest, -1, out + length, LONGEST - (int)length, NULL, NULL);
        if (!wrote) return 0;
        for (char *at = out + length; *at; at++) if (*at == '\\') *at = '/';
        length = strlen(out);
        while (length && out[length - 1] == '/') out[--length] = 0;
    }
    return 1;
}

static int parts_of(char *path, const char **parts)
{
    int count = 0;

    for (char *at = strtok(path, "/"); at && count < 512; at = strtok(NULL, "/")) parts[count++] = at;
    return count;
}

/* Where a target leads, seen from the folder of the link: a full path on C:, or 0. */
static int full_target(const WCHAR *target, const WCHAR *folder, WCHAR *out)
{
    WCHAR joined[2 * LONG_PATH];

    if (!wcsncmp(target, L"\\\\?\\", 4) || !wcsncmp(target, L"\\??\\", 4)) target += 4;
    if (target[0] == '\\' && target[1] == '\\') return 0;
    if (target[0] && target[1] == ':') lstrcpyW(joined, target);
    else if (target[0] == '\\') swprintf(joined, 2 * LONG_PATH, L"C:%ls", target);
    else swprintf(joined, 2 * LONG_PATH, L"%ls\\%ls", folder, target);
    if (!GetFullPathNameW(joined, LONG_PATH, out, NULL)) return 0;
    return (out[0] == 'C' || out[0] == 'c') && out[1] == ':' && out[2] == '\\';
}

static int add(char *text, const char *name)
{
    if (strlen(text) + strlen(name) + 2 > LONGEST) return 0;
    strcat(text, name);
    return 1;
}

/* The text of the Linux link: to_linux() of links.py. */
static int link_text(WCHAR kind, const WCHAR *target, const WCHAR *folder, char *text)
{
    static char here[LONG_PATH], there[LONG_PATH];
    const char *above[512], *names[512], *suffix = kind == 'J' ? "/." : kind == 'D' ? "/" : "";
    WCHAR full[2 * LONG_PATH];
    int depth, count, shared = 0, fits = 1, absolute;

    text[0] = 0;
    if (!full_target(target, folder, full) || !below_drive(full, there)) {
        int length;

        strcpy(text, "/nowhere/");
        length = WideCharToMultiByte(CP_UTF8, 0, target, -1, text + 9, LONGEST - 20, NULL, NULL);
        for (char *at = text + 9; *at; at++) if (*at == '/') *at = '\\';
        return length && add(text, suffix);
    }
    if (!below_drive(folder, here)) return 0;
    depth = parts_of(here, above);
    count = parts_of(there, names);
    absolute = kind == 'J' || target[0] == '\\' || target[0] == '/' || target[1] == ':';
    if (absolute) {
        fits = add(text, "./");
    } else {
        while (shared < depth && shared < count && !strcmp(above[shared], names[shared])) shared++;
        if (shared && shared == count) shared--;
    }
    for (int at = shared; at < depth; at++) fits = fits && add(text, "../");
    for (int at = shared; at < count; at++) fits = fits && add(text, names[at]) && add(text, "/");
    if (text[0] && strcmp(text, "./")) text[strlen(text) - 1] = 0;
    else strcpy(text, absolute ? "./." : ".");
    return fits && add(text, suffix);
}

int wmain(int argc, WCHAR **argv)
{
    static WCHAR link[LONG_PATH], folder[LONG_PATH], line[3 * LONG_PATH];
    static char text[LONG_PATH + 16], path[2 * LONG_PATH];
    const WCHAR *names[2];
    WCHAR kind = 0, *name = NULL, *plain;
    int found = 0;
    long result;

    for (int at = 1; at < argc; at++) {
        if (argv[at][0] == '/' && argv[at][1] && !argv[at][2]) {
            WCHAR wanted = argv[at][1] & ~0x20;

            if (argv[at][1] == '?') {
                swprintf(line, 3 * LONG_PATH, L"%hs", USAGE);
                say(STD_OUTPUT_HANDLE, line);
                return 0;
            }
            if (kind || (wanted != 'D' && wanted != 'H' && wanted != 'J')) found = 3;
            kind = wanted;
        } else if (found < 2) {
            names[found++] = argv[at];
        } else {
            found = 3;
        }
    }
    if (found != 2 || !names[0][0] || !names[1][0]) {
        say(STD_ERROR_HANDLE, L"The syntax of the command is incorrect.\r\n");
        swprintf(line, 3 * LONG_PATH, L"%hs", USAGE);
        say(STD_OUTPUT_HANDLE, line);
        return 1;
    }
    if (lstrlenW(names[1]) >= LONG_PATH - 8 || !GetFullPathNameW(names[0], LONG_PATH - 8, link, &name) || !name)
        return fail(ERROR_INVALID_NAME);
    lstrcpynW(folder, link, (int)(name - link) + (name - link > 3 ? 0 : 1));
    if (kind == 'H') {
        if (!CreateHardLinkW(link, names[1], NULL)) return fail(GetLastError());
    } else {
        unix_name = (unix_name_fn)(void *)GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "wine_get_unix_file_name");
        if (!unix_name) return fail(ERROR_NOT_SUPPORTED);
        if (GetFileAttributesW(link) != INVALID_FILE_ATTRIBUTES) return fail(ERROR_ALREADY_EXISTS);
        if (GetFileAttributesW(folder) == INVALID_FILE_ATTRIBUTES) return fail(ERROR_PATH_NOT_FOUND);
        plain = folder;
        if (!unix_name(plain) || strlen(unix_name(plain)) >= LONG_PATH) return fail(ERROR_PATH_NOT_FOUND);
        strcpy(path, unix_name(plain));
        if (path[strlen(path) - 1] != '/') strcat(path, "/");
        if (!WideCharToMultiByte(CP_UTF8, 0, name, -1, path + strlen(path), LONG_PATH - 8, NULL, NULL))
            return fail(ERROR_INVALID_NAME);
        if (!link_text(kind, names[1], folder, text)) return fail(ERROR_FILENAME_EXCED_RANGE);
        result = linux_symlink(text, path);
        if (result < 0) return fail_linux(result);
    }
    swprintf(line, 3 * LONG_PATH, L"%ls created for %ls <<===>> %ls\r\n",
             kind == 'J' ? L"Junction" : kind == 'H' ? L"Hardlink" : L"symbolic link", names[0], names[1]);
    say(STD_OUTPUT_HANDLE, line);
    return 0;
}
