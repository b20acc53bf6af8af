/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of zip that tar.exe reads, by their directory at the end; stored and deflated members, zip64. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "tar.h"

#define LONGEST_DIRECTORY (256 << 20)

struct zip {
    struct reader port;
    HANDLE file;
    unsigned char *directory, *at, *end;
    /* The member that is read. */
    unsigned long long packed_left, place;
    unsigned flags, method;
    unsigned long crc, said_crc;
    BOOL open, over;
    z_stream unpack;
    unsigned char buffer[CHUNK];
};

static unsigned two(const unsigned char *at) { return at[0] | at[1] << 8; }
static unsigned long four(const unsigned char *at) { return two(at) | (unsigned long)two(at + 2) << 16; }
static unsigned long long eight(const unsigned char *at) { return four(at) | (unsigned long long)four(at + 4) << 32; }

static BOOL read_at(HANDLE file, unsigned long long place, void *to, unsigned long size)
{
    LARGE_INTEGER where = {.QuadPart = (long long)place};
    DWORD got;

    return SetFilePointerEx(file, where, NULL, FILE_BEGIN) && ReadFile(file, to, size, &got, NULL) && got == size;
}

/* Read the whole directory; FALSE: told. */
static BOOL open_directory(struct zip *zip)
{
    static unsigned char tail[65557 + 20];
    LARGE_INTEGER whole;
    unsigned long size;
    unsigned long long place, length;

    GetFileSizeEx(zip->file, &whole);
    size = (unsigned long)min((unsigned long long)whole.QuadPart, sizeof tail);
    if (!read_at(zip->file, whole.QuadPart - size, tail, size)) size = 0;
    for (long at = (long)size - 22; at >= 0; at--) {
        if (memcmp(tail + at, "PK\5\6", 4)) continue;
        length = four(tail + at + 12);
        place = four(tail + at + 16);
        if (at >= 20 && !memcmp(tail + at - 20, "PK\6\7", 4)) {
            unsigned char record[56];

            if (!read_at(zip->file, eight(tail + at - 12), record, sizeof record)) break;
            if (memcmp(record, "PK\6\6", 4)) break;
            length = eight(record + 40);
            place = eight(record + 48);
        }
        if (length > LONGEST_DIRECTORY || length > (unsigned long long)whole.QuadPart) break;
        zip->directory = malloc(length + 1);
        if (!zip->directory || !read_at(zip->file, place, zip->directory, length)) break;
        zip->at = zip->directory;
        zip->end = zip->directory + length;
        return TRUE;
    }
    complain("Error opening archive: Truncated ZIP file: its directory is missing");
    return FALSE;
}

/* The fields of the extra part that say more: sizes of zip64, and a time in seconds. */
static void read_extra(const unsigned char *at, const unsigned char *end, struct entry *entry,
                       unsigned long long *packed, unsigned long long *place, long long *seconds)
{
    while (end - at >= 4 && end - at - 4 >= (long)two(at + 2)) {
        unsigned length = two(at + 2);
        const unsigned char *field = at + 4, *field_end = field + length;

        if (two(at) == 1) {
            if (entry->size == 0xFFFFFFFF && field_end - field >= 8) { entry->size = eight(field); field += 8; }
            if (*packed == 0xFFFFFFFF && field_end - field >= 8) { *packed = eight(field); field += 8; }
            if (*place == 0xFFFFFFFF && field_end - field >= 8) *place = eight(field);
        } else if (two(at) == 0x5455 && length >= 5 && *field & 1) {
            *seconds = (long)four(field + 1);
        }
        at = field_end;
    }
}

/* The target of a link is its content. */
static void read_link(struct zip *zip, struct entry *entry)
{
    char target[LONGEST_NAME];
    long got, done = 0;

    while ((got = zip->port.data(&zip->port, target + done, LONGEST_NAME - 1 - done)) > 0) done += got;
    if (!from_bytes(target, done, CP_UTF8, entry->link)) *entry->link = 0;
    entry->size = 0;
}

static int damaged(void)
{
    return complain("Damaged Zip archive");
}

static int next(struct reader *port, struct entry *entry)
{
    struct zip *zip = (struct zip *)port;
    unsigned char *at = zip->at, local[30];
    unsigned long long place;
    long long seconds = -1;
    unsigned name, extra, comment;
    FILETIME time;
    ULONGLONG ticks;

    if (zip->open) inflateEnd(&zip->unpack);
    zip->open = FALSE;
    if (zip->end - at < 46) return zip->end == at ? 0 : damaged();
    if (memcmp(at, "PK\1\2", 4)) return damaged();
    name = two(at + 28);
    extra = two(at + 30);
    comment = two(at + 32);
    if (zip->end - at - 46 < (long)(name + extra + comment)) return damaged();
    zip->flags = two(at + 8);
    zip->method = two(at + 10);
    zip->said_crc = four(at + 16);
    zip->packed_left = four(at + 20);
    entry->size = four(at + 24);
    place = four(at + 42);
    entry->mode = at[5] == 3 ? four(at + 38) >> 16 : 0;
    *entry->link = 0;
    if (!from_bytes((char *)at + 46, name, CP_UTF8, entry->name)
        && !from_bytes((char *)at + 46, name, 437, entry->name)) return damaged();
    read_extra(at + 46 + name, at + 46 + name + extra, entry, &zip->packed_left, &place, &seconds);
    if (DosDateTimeToFileTime(two(at + 14), two(at + 12), &time)) LocalFileTimeToFileTime(&time, &entry->modified);
    else entry->modified = (FILETIME){0, 0x01A8E79F};  /* 1980 */
    if (seconds >= 0) {
        ticks = (seconds + 11644473600LL) * 10000000;
        entry->modified = (FILETIME){(DWORD)ticks, (DWORD)(ticks >> 32)};
    }
    for (WCHAR *letter = entry->name; *letter; letter++) if (*letter == '\\') *letter = '/';
    entry->kind = name && entry->name[wcslen(entry->name) - 1] == '/' ? FOLDER
        : (entry->mode & 0170000) == 0120000 ? SYMLINK : PLAIN;
    if (!(entry->mode & 0777)) entry->mode |= entry->kind == FOLDER ? 0755 : 0644;
    zip->at = at + 46 + name + extra + comment;
    if (!read_at(zip->file, place, local, sizeof local) || memcmp(local, "PK\3\4", 4)) return damaged();
    zip->place = place + 30 + two(local + 26) + two(local + 28);
    zip->crc = crc32(0, NULL, 0);
    zip->over = FALSE;
    memset(&zip->unpack, 0, sizeof zip->unpack);
    zip->open = inflateInit2(&zip->unpack, -15) == Z_OK;
    if (entry->kind == SYMLINK) read_link(zip, entry);
    return 1;
}

/* More packed bytes, -1: told. */
static long more(struct zip *zip, void *to, unsigned long size)
{
    unsigned long part = (unsigned long)min(zip->packed_left, size);

    if (!part) return 0;
    if (!read_at(zip->file, zip->place, to, part)) return complain("Truncated ZIP file data");
    zip->place += part;
    zip->packed_left -= part;
    return part;
}

static long stored(struct zip *zip, void *to, unsigned long size)
{
    long got = more(zip, to, size);

    zip->over = !zip->packed_left;
    return got;
}

static long deflated(struct zip *zip, void *to, unsigned long size)
{
    z_stream *unpack = &zip->unpack;

    unpack->next_out = to;
    unpack->avail_out = size;
    while (unpack->avail_out && !zip->over) {
        int done;

        if (!unpack->avail_in) {
            long got = more(zip, zip->buffer, CHUNK);

            if (got < 0) return -1;
            if (!got) return complain("Truncated ZIP file body");
            unpack->next_in = zip->buffer;
            unpack->avail_in = got;
        }
        done = inflate(unpack, Z_NO_FLUSH);
        if (done == Z_STREAM_END) zip->over = TRUE;
        else if (done != Z_OK && done != Z_BUF_ERROR) return complain("ZIP decompression failed (%d)", done);
    }
    return size - unpack->avail_out;
}

static long data(struct reader *port, void *to, unsigned long size)
{
    struct zip *zip = (struct zip *)port;
    long got;

    if (zip->over) return 0;
    if (zip->flags & 1) return complain("Encrypted file is unsupported");
    if (zip->method && zip->method != 8) return complain("Unsupported ZIP compression method (%u)", zip->method);
    got = zip->method ? deflated(zip, to, size) : stored(zip, to, size);
    if (got > 0) zip->crc = crc32(zip->crc, to, got);
    if (got >= 0 && zip->over && zip->crc != zip->said_crc)
        return complain("ZIP bad CRC: 0x%lx should be 0x%lx", zip->crc, zip->said_crc);
    return got;
}

struct reader *zip_reader(HANDLE file)
{
    struct zip *zip = calloc(1, sizeof *zip);

    zip->port = (struct reader){next, data};
    zip->file = file;
    return open_directory(zip) ? &zip->port : NULL;
}
