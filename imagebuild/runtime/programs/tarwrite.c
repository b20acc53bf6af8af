/* SPDX-License-Identifier: Apache-2.0 */
/* What tar.exe puts into an archive that it makes: files, folders with all that is below them, links. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include "tar.h"

static WCHAR archive_path[MAX_PATH * 4];

/* Where a link goes, as it is shown; "" where it is no link. */
static void read_target(const WCHAR *path, WCHAR *target)
{
    static union {
        char bytes[16384];
        struct {
            ULONG tag;
            USHORT length, unused, name, name_length, shown, shown_length;
        } data;
    } r;
    HANDLE link = CreateFileW(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    DWORD got;

    *target = 0;
    if (link == INVALID_HANDLE_VALUE) return;
    if (DeviceIoControl(link, 0x900A8, NULL, 0, &r, sizeof r, &got, NULL)
        && (r.data.tag == IO_REPARSE_TAG_SYMLINK || r.data.tag == IO_REPARSE_TAG_MOUNT_POINT)) {
        const char *names = r.bytes + (r.data.tag == IO_REPARSE_TAG_SYMLINK ? 20 : 16);
        USHORT length = min(r.data.shown_length / 2, LONGEST_NAME - 1);

        memcpy(target, names + r.data.shown, length * 2);
        target[length] = 0;
    }
    CloseHandle(link);
    for (; *target; target++) if (*target == '\\') *target = '/';
}

static void wrong(const WCHAR *path, const char *why)
{
    fprintf(stderr, "tar: ");
    say(stderr, path);
    fprintf(stderr, ": %s\n", why);
    failed = TRUE;
}

static const WCHAR *member_name(const WCHAR *path)
{
    static BOOL told;
    const WCHAR *start = path;

    if (want.absolute) return path;
    if (iswalpha(path[0]) && path[1] == ':') path += 2;
    while (*path == '/' || *path == '\\') path++;
    if (path != start && !told) complain("Removing leading drive letter from member names");
    told |= path != start;
    return path;
}

static void add(const WCHAR *path);

static int by_name(const void *a, const void *b)
{
    return wcscmp(*(WCHAR *const *)a, *(WCHAR *const *)b);
}

/* Add what a pattern finds, in order; FALSE: nothing. `folder` is what stands before the names, with its divider. */
static BOOL add_all(const WCHAR *folder, const WCHAR *pattern)
{
    WCHAR path[LONGEST_NAME], **names = NULL;
    WIN32_FIND_DATAW found;
    int count = 0;
    HANDLE search;

    if (_snwprintf(path, LONGEST_NAME - 1, L"%ls%ls", folder, pattern) < 0) return FALSE;
    path[LONGEST_NAME - 1] = 0;
    search = FindFirstFileW(path, &found);
    if (search == INVALID_HANDLE_VALUE) return FALSE;
    do {
        if (!wcscmp(found.cFileName, L".") || !wcscmp(found.cFileName, L"..")) continue;
        names = realloc(names, (count + 1) * sizeof *names);
        names[count++] = _wcsdup(found.cFileName);
    } while (FindNextFileW(search, &found));
    FindClose(search);
    if (count) qsort(names, count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) {
        _snwprintf(path, LONGEST_NAME - 1, L"%ls%ls", folder, names[i]);
        add(path);
        free(names[i]);
    }
    free(names);
    return count > 0;
}

static void add_one(const WCHAR *path, struct entry *entry)
{
    HANDLE content = NULL;

    if (entry->kind == PLAIN) {
        content = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);
        if (content == INVALID_HANDLE_VALUE) {
            wrong(path, "Cannot open it");
            return;
        }
    }
    if (want.verbose) {
        fputs("a ", stderr);
        say(stderr, entry->name);
        fputs("\n", stderr);
    }
    put_member(entry, path, content);
    if (content) CloseHandle(content);
}

static void add(const WCHAR *path)
{
    struct entry *entry = malloc(sizeof *entry);
    WIN32_FILE_ATTRIBUTE_DATA is;
    WCHAR whole[MAX_PATH * 4];
    int length;

    if (!GetFileAttributesExW(path, GetFileExInfoStandard, &is)) {
        wrong(path, "Cannot stat: No such file or directory");
        free(entry);
        return;
    }
    _snwprintf(entry->name, LONGEST_NAME - 2, L"%ls", member_name(path));
    entry->name[LONGEST_NAME - 2] = 0;
    for (WCHAR *at = entry->name; *at; at++) if (*at == '\\') *at = '/';
    length = wcslen(entry->name);
    for (int i = 0; i < want.excluded_count; i++) {
        if (!is_match(want.excluded[i], entry->name, FALSE)) continue;
        free(entry);
        return;
    }
    *entry->link = 0;
    if (is.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT && !want.follow) read_target(path, entry->link);
    entry->kind = *entry->link ? SYMLINK : is.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY ? FOLDER : PLAIN;
    entry->size = entry->kind == PLAIN ? (unsigned long long)is.nFileSizeHigh << 32 | is.nFileSizeLow : 0;
    entry->mode = entry->kind == PLAIN ? is.dwFileAttributes & FILE_ATTRIBUTE_READONLY ? 0444 : 0666 : 0777;
    entry->modified = is.ftLastWriteTime;
    GetFullPathNameW(path, MAX_PATH * 4, whole, NULL);
    if (entry->kind == PLAIN && !_wcsicmp(whole, archive_path)) {
        wrong(path, "Can't add archive to itself");
    } else {
        if (entry->kind == FOLDER && length && entry->name[length - 1] != '/') wcscpy(entry->name + length, L"/");
        if (*entry->name) add_one(path, entry);  /* the root of a drive has no name */
    }
    if (entry->kind == FOLDER) {
        _snwprintf(whole, MAX_PATH * 4 - 1, L"%ls%ls", path, wcschr(L"/\\", path[wcslen(path) - 1]) ? L"" : L"\\");
        add_all(whole, L"*");
    }
    free(entry);
}

static void add_word(const WCHAR *word)
{
    const WCHAR *last = word + wcslen(word);
    WCHAR folder[MAX_PATH * 4];

    while (last > word && last[-1] != '/' && last[-1] != '\\' && last[-1] != ':') last--;
    if (!wcspbrk(last, L"*?")) {
        add(word);
        return;
    }
    _snwprintf(folder, MAX_PATH * 4 - 1, L"%.*ls", (int)(last - word), word);
    if (!add_all(folder, last)) wrong(word, "Cannot stat: No such file or directory");
}

static BOOL ends_with(const WCHAR *text, const WCHAR *end)
{
    size_t length = wcslen(text), size = wcslen(end);

    return length >= size && !_wcsicmp(text + length - size, end);
}

int create(void)
{
    HANDLE out;

    if (!want.word_count) {
        complain("no files or directories specified");
        return 1;
    }
    if (want.by_suffix && ends_with(want.file, L".zip")) want.format = ZIP;
    if (want.by_suffix && (ends_with(want.file, L".gz") || ends_with(want.file, L".tgz"))) want.gzip = TRUE;
    if (want.format == ZIP) want.gzip = FALSE;
    if (wcscmp(want.file, L"-")) {
        out = CreateFileW(want.file, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
        GetFullPathNameW(want.file, MAX_PATH * 4, archive_path, NULL);
    } else {
        out = GetStdHandle(STD_OUTPUT_HANDLE);
    }
    if (out == INVALID_HANDLE_VALUE) {
        fprintf(stderr, "tar: Failed to open '");
        say(stderr, want.file);
        fprintf(stderr, "'\n");
        return 1;
    }
    begin_archive(out);
    for (int i = 0; i < want.word_count; i++) {
        if (!want.words[i].chdir) {
            add_word(want.words[i].text);
        } else if (!SetCurrentDirectoryW(want.words[i].text)) {
            fprintf(stderr, "tar: could not chdir to '");
            say(stderr, want.words[i].text);
            fprintf(stderr, "'\n");
            return 1;
        }
    }
    end_archive();
    if (failed) complain("Error exit delayed from previous errors.");
    return failed;
}
