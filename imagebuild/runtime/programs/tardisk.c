/* SPDX-License-Identifier: Apache-2.0 */
/* What tar.exe writes to the disk when it extracts. Nothing goes out of the folder that it extracts to: neither by a
 * name with "..", nor through a link that lies there. */
#include <stdio.h>
#include <stdlib.h>
#include <io.h>
#include <wchar.h>
#include "tar.h"

static struct folder {
    WCHAR *path;
    FILETIME modified;
} *folders;
static int folder_count;

static void wrong(const WCHAR *name, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "tar: ");
    say(stderr, name);
    fprintf(stderr, ": %s\n", why);
    failed = TRUE;
}

static void wrong_code(const WCHAR *name, const char *what)
{
    char why[300], text[200];
    DWORD code = GetLastError();

    if (!FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, code, 0, text, sizeof text,
                        NULL))
        sprintf(text, "Windows error %lu", code);
    text[strcspn(text, "\r\n")] = 0;
    snprintf(why, sizeof why, "%s: %s", what, text);
    wrong(name, why);
}

/* Take off as many parts as --strip-components says; NULL: nothing is left. */
static const WCHAR *stripped(const WCHAR *name)
{
    for (int left = want.strip; left > 0; name++) {
        if (!*name) return NULL;
        if (*name == '/' || *name == '\\') left--;
    }
    while (want.strip && *name == '/') name++;
    return *name ? name : NULL;
}

/* A name of the archive as a path of Windows; FALSE: there is none, which has been told where it should be. */
static BOOL to_path(const WCHAR *member, WCHAR *path)
{
    const WCHAR *name = stripped(member);
    static BOOL told;
    WCHAR *out = path;

    if (!name) return FALSE;
    if (!want.absolute) {
        const WCHAR *start = name;

        if (iswalpha(name[0]) && name[1] == ':') name += 2;
        while (*name == '/' || *name == '\\') name++;
        if (name != start && !told) complain("Removing leading '/' from member names");
        told |= name != start;
    } else {
        if (iswalpha(name[0]) && name[1] == ':') {
            *out++ = *name++;
            *out++ = *name++;
        }
        if (*name == '/' || *name == '\\') *out++ = '\\';
    }
    while (*name) {
        size_t length = wcscspn(name, L"/\\");

        if (length == 2 && name[0] == '.' && name[1] == '.' && !want.absolute) {
            wrong(member, "Path contains '..'");
            return FALSE;
        }
        if (length && !(length == 1 && *name == '.')) {
            if (out != path && out[-1] != '\\' && out[-1] != ':') *out++ = '\\';
            for (size_t i = 0; i < length; i++) *out++ = name[i] < 32 || wcschr(L"<>:\"|?*", name[i]) ? '_' : name[i];
        }
        name += length;
        while (*name == '/' || *name == '\\') name++;
    }
    *out = 0;
    if (out == path) wcscpy(path, L".");
    return TRUE;
}

static BOOL is_link(const WCHAR *path)
{
    DWORD attributes = GetFileAttributesW(path);

    return attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_REPARSE_POINT;
}

/* Make the folders above a path; FALSE: one is a link or cannot be made, which has been told. */
static BOOL make_parents(const WCHAR *name, WCHAR *path)
{
    for (WCHAR *at = wcschr(path, '\\'); at; at = wcschr(at + 1, '\\')) {
        BOOL made;

        if (at == path || at[-1] == ':') continue;
        *at = 0;
        if (!want.absolute && is_link(path)) {
            *at = '\\';
            wrong(name, "Cannot extract through symlink");
            return FALSE;
        }
        made = CreateDirectoryW(path, NULL) || GetLastError() == ERROR_ALREADY_EXISTS;
        *at = '\\';
        if (!made) {
            wrong_code(name, "Can't create its folder");
            return FALSE;
        }
    }
    return TRUE;
}

static void remove_old(const WCHAR *path)
{
    DWORD attributes = GetFileAttributesW(path);

    if (attributes == INVALID_FILE_ATTRIBUTES) return;
    if (attributes & FILE_ATTRIBUTE_READONLY) SetFileAttributesW(path, attributes & ~FILE_ATTRIBUTE_READONLY);
    if (attributes & FILE_ATTRIBUTE_DIRECTORY) RemoveDirectoryW(path);
    else DeleteFileW(path);
}

static void extract_folder(struct entry *entry, WCHAR *path)
{
    DWORD attributes = GetFileAttributesW(path);
    BOOL there = attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY
        && (want.absolute || !(attributes & FILE_ATTRIBUTE_REPARSE_POINT));

    if (!there) remove_old(path);
    if (!there && !CreateDirectoryW(path, NULL)) {
        wrong_code(entry->name, "Can't create folder");
        return;
    }
    folders = realloc(folders, (folder_count + 1) * sizeof *folders);
    folders[folder_count++] = (struct folder){_wcsdup(path), entry->modified};
}

static BOOL copy_data(struct reader *reader, struct entry *entry, HANDLE file)
{
    static char chunk[CHUNK];
    DWORD done;
    long got;

    while ((got = reader->data(reader, chunk, CHUNK)) > 0) {
        if (WriteFile(file, chunk, got, &done, NULL) && done == (DWORD)got) continue;
        wrong_code(entry->name, "Write failed");
        return FALSE;
    }
    if (got < 0) failed = TRUE;
    return !got;
}

static void extract_file(struct reader *reader, struct entry *entry, WCHAR *path)
{
    HANDLE file;

    remove_old(path);
    file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        wrong_code(entry->name, "Can't create file");
        return;
    }
    if (copy_data(reader, entry, file) && !want.now) SetFileTime(file, NULL, NULL, &entry->modified);
    CloseHandle(file);
    if (!(entry->mode & 0222)) SetFileAttributesW(path, FILE_ATTRIBUTE_READONLY);
}

static void extract_symlink(struct entry *entry, WCHAR *path)
{
    WCHAR target[LONGEST_NAME], at[2 * LONGEST_NAME], *last = wcsrchr(path, '\\');
    int length = wcslen(wcscpy(target, entry->link)), above;
    DWORD attributes, flags = SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE;

    for (int i = 0; i < length; i++) if (target[i] == '/') target[i] = '\\';
    above = last && *target != '\\' && target[1] != ':' ? (int)(last + 1 - path) : 0;
    swprintf(at, 2 * LONGEST_NAME, L"%.*ls%ls", above, path, target);
    attributes = GetFileAttributesW(at);
    if ((attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY)
        || (length && target[length - 1] == '\\')) flags |= SYMBOLIC_LINK_FLAG_DIRECTORY;
    remove_old(path);
    if (!CreateSymbolicLinkW(path, target, flags)) wrong_code(entry->name, "Can't create symlink");
}

static void extract_hard_link(struct entry *entry, WCHAR *path)
{
    WCHAR target[LONGEST_NAME];

    if (!to_path(entry->link, target)) return;
    if (!make_parents(entry->name, target)) return;
    if (is_link(target)) {
        wrong(entry->name, "Cannot extract through symlink");
        return;
    }
    if (!_wcsicmp(path, target)) return;
    remove_old(path);
    if (!CreateHardLinkW(path, target, NULL)) wrong_code(entry->name, "Can't create hard link");
}

static BOOL is_kept(const struct entry *entry, const WCHAR *path)
{
    WIN32_FILE_ATTRIBUTE_DATA old;

    if (entry->kind == FOLDER || !(want.keep_old || want.keep_newer)) return FALSE;
    if (!GetFileAttributesExW(path, GetFileExInfoStandard, &old)) return FALSE;
    return want.keep_old || CompareFileTime(&old.ftLastWriteTime, &entry->modified) >= 0;
}

void extract(struct reader *reader, struct entry *entry)
{
    WCHAR path[LONGEST_NAME];

    if (want.to_stdout) {
        if (entry->kind == PLAIN) copy_data(reader, entry, GetStdHandle(STD_OUTPUT_HANDLE));
        return;
    }
    if (!to_path(entry->name, path)) return;
    if (want.verbose) {
        fputs("x ", stderr);
        say(stderr, entry->name);
        fputs("\n", stderr);
    }
    if (!make_parents(entry->name, path) || is_kept(entry, path)) return;
    switch (entry->kind) {
    case FOLDER: extract_folder(entry, path); break;
    case PLAIN: extract_file(reader, entry, path); break;
    case SYMLINK: extract_symlink(entry, path); break;
    case HARD_LINK: extract_hard_link(entry, path); break;
    default: wrong(entry->name, "Can't create it: Windows has no such kind of file");
    }
}

/* Folders get their times last: what is written into them changes these. */
void finish_folders(void)
{
    while (folder_count--) {
        HANDLE folder = want.now ? INVALID_HANDLE_VALUE
            : CreateFileW(folders[folder_count].path, FILE_WRITE_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                          OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);

        if (folder == INVALID_HANDLE_VALUE) continue;
        SetFileTime(folder, NULL, NULL, &folders[folder_count].modified);
        CloseHandle(folder);
    }
}
