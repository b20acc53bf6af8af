/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of archives that tar.exe makes: tar (ustar, with pax where a name or size does not fit), by gzip or not,
 * and zip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "tar.h"

#define BLOCK 512
#define RECORD 10240

static HANDLE out;
static unsigned long long written;  /* before gzip */
static z_stream pack;
static unsigned char *directory;  /* of the zip */
static unsigned long directory_size, member_count;

static void stop(void)
{
    complain("Write error: Windows error %lu", GetLastError());
    exit(1);
}

static void put_raw(const void *bytes, unsigned long size)
{
    DWORD done;

    if (!WriteFile(out, bytes, size, &done, NULL) || done != size) stop();
}

static void put_packed(const void *bytes, unsigned long size, int flush)
{
    static unsigned char chunk[CHUNK];

    pack.next_in = (unsigned char *)bytes;
    pack.avail_in = size;
    do {
        pack.next_out = chunk;
        pack.avail_out = CHUNK;
        deflate(&pack, flush);
        put_raw(chunk, CHUNK - pack.avail_out);
    } while (!pack.avail_out);
}

static void put(const void *bytes, unsigned long size)
{
    written += size;
    if (want.gzip) put_packed(bytes, size, Z_NO_FLUSH);
    else put_raw(bytes, size);
}

static void fill_up(unsigned long unit)
{
    static const char zeros[RECORD];

    put(zeros, (unit - written % unit) % unit);
}

static char *two(char *at, unsigned value) { *at++ = value; *at++ = value >> 8; return at; }
static char *four(char *at, unsigned long value) { return two(two(at, value & 0xFFFF), value >> 16); }

static long long seconds_of(const FILETIME *time)
{
    return (long long)(((ULONGLONG)time->dwHighDateTime << 32 | time->dwLowDateTime) / 10000000) - 11644473600LL;
}

static void tar_header(const char *name, const char *link, char type, const struct entry *entry,
                       unsigned long long size)
{
    unsigned char block[BLOCK] = {0};
    unsigned sum = 0;
    char field[24];

    memcpy(block, name, min(strlen(name), 100));
    sprintf(field, "%07o", entry->mode);
    memcpy(block + 100, field, 8);
    memcpy(block + 108, "0000000", 8);
    memcpy(block + 116, "0000000", 8);
    sprintf(field, "%011llo", size >> 33 ? 0 : size);
    memcpy(block + 124, field, 12);
    sprintf(field, "%011llo", seconds_of(&entry->modified) & 0x1FFFFFFFF);
    memcpy(block + 136, field, 12);
    memset(block + 148, ' ', 8);
    block[156] = type;
    memcpy(block + 157, link, min(strlen(link), 100));
    memcpy(block + 257, "ustar\0" "00", 8);
    for (int i = 0; i < BLOCK; i++) sum += block[i];
    sprintf(field, "%06o", sum);
    memcpy(block + 148, field, 7);
    put(block, BLOCK);
}

static BOOL fits(const char *name)
{
    if (strlen(name) > 100) return FALSE;
    while (*name) if (*name++ & 0x80) return FALSE;
    return TRUE;
}

/* One record of pax: its length counts its own digits. */
static int pax(char *to, const char *key, const char *value)
{
    int rest = strlen(key) + strlen(value) + 3, length = rest + 1;

    while (snprintf(NULL, 0, "%d", length) + rest != length) length++;
    return sprintf(to, "%d %s=%s\n", length, key, value);
}

static void begin_tar(const struct entry *entry, const char *name, const char *link)
{
    static char said[LONGEST_NAME * 8];
    int length = 0;
    char size[24];

    if (!fits(name)) length += pax(said + length, "path", name);
    if (!fits(link)) length += pax(said + length, "linkpath", link);
    sprintf(size, "%llu", entry->size);
    if (entry->size >> 33) length += pax(said + length, "size", size);
    if (length) {
        tar_header("PaxHeader", "", 'x', entry, length);
        put(said, length);
        fill_up(BLOCK);
    }
    tar_header(name, link, entry->kind == FOLDER ? '5' : entry->kind == SYMLINK ? '2' : '0', entry, entry->size);
}

/* What the local header and the directory both say of a zip's member. */
static char *zip_fields(char *at, const struct entry *entry, unsigned method)
{
    FILETIME local;
    WORD date = 0x21, time = 0;

    FileTimeToLocalFileTime(&entry->modified, &local);
    FileTimeToDosDateTime(&local, &date, &time);
    at = two(at, 0x808);  /* sizes stand behind the content; the name is UTF-8 */
    return two(two(two(at, method), time), date);
}

static void zip_member(const struct entry *entry, const char *name, const char *link, HANDLE content)
{
    static char chunk[CHUNK];
    unsigned long long start = written, packed_start;
    unsigned long crc = crc32(0, NULL, 0), size = 0, length = strlen(name);
    unsigned method = entry->kind == PLAIN ? 8 : 0;
    char header[46], *at;
    DWORD got;

    if (entry->size >> 32 || written >> 32) {
        complain("Write error: zip of this sandbox's tar holds 4 GB at the most; make a tar");
        exit(1);
    }
    at = two(four(header, 0x04034B50), method ? 20 : 10);
    at = four(four(four(zip_fields(at, entry, method), 0), 0), 0);
    at = two(two(at, length), 0);
    put(header, at - header);
    put(name, length);
    packed_start = written;
    if (entry->kind == SYMLINK) {
        size = strlen(link);
        crc = crc32(crc, (const unsigned char *)link, size);
        put(link, size);
    } else if (entry->kind == PLAIN) {
        static z_stream member;
        static unsigned char packed[CHUNK];
        int flush;

        memset(&member, 0, sizeof member);
        deflateInit2(&member, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
        do {
            if (!ReadFile(content, chunk, CHUNK, &got, NULL)) got = 0;
            flush = got ? Z_NO_FLUSH : Z_FINISH;
            crc = crc32(crc, (unsigned char *)chunk, got);
            size += got;
            member.next_in = (unsigned char *)chunk;
            member.avail_in = got;
            do {
                member.next_out = packed;
                member.avail_out = CHUNK;
                deflate(&member, flush);
                put(packed, CHUNK - member.avail_out);
            } while (!member.avail_out);
        } while (flush != Z_FINISH);
        deflateEnd(&member);
    }
    packed_start = written - packed_start;
    at = four(four(four(four(header, 0x08074B50), crc), packed_start), size);
    put(header, at - header);

    directory = realloc(directory, directory_size + 46 + length);
    at = two(two(four((char *)directory + directory_size, 0x02014B50), 3 << 8 | 20), method ? 20 : 10);
    at = four(four(four(zip_fields(at, entry, method), crc), packed_start), size);
    at = two(two(two(two(two(at, length), 0), 0), 0), 0);
    at = four(at, (unsigned long)((entry->kind == FOLDER ? 0040000 : entry->kind == SYMLINK ? 0120000 : 0100000)
                                  | entry->mode) << 16 | (entry->kind == FOLDER ? 0x10 : 0));
    at = four(at, start);
    memcpy(at, name, length);
    directory_size += 46 + length;
    member_count++;
}

static void tar_content(const struct entry *entry, const WCHAR *path, HANDLE content)
{
    static char chunk[CHUNK];
    unsigned long long left = entry->size;
    DWORD got;

    while (left && ReadFile(content, chunk, (DWORD)min(left, CHUNK), &got, NULL) && got) {
        put(chunk, got);
        left -= got;
    }
    if (left) {  /* it has shrunk meanwhile */
        fprintf(stderr, "tar: ");
        say(stderr, path);
        fprintf(stderr, ": Truncated write; file may have changed size while being archived\n");
        failed = TRUE;
        memset(chunk, 0, CHUNK);
        for (; left; left -= min(left, CHUNK)) put(chunk, (unsigned long)min(left, CHUNK));
    }
    fill_up(BLOCK);
}

void begin_archive(HANDLE file)
{
    out = file;
    if (want.gzip) deflateInit2(&pack, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}

void put_member(const struct entry *entry, const WCHAR *path, HANDLE content)
{
    static char name[LONGEST_NAME * 3], link[LONGEST_NAME * 3];

    WideCharToMultiByte(CP_UTF8, 0, entry->name, -1, name, sizeof name, NULL, NULL);
    WideCharToMultiByte(CP_UTF8, 0, entry->link, -1, link, sizeof link, NULL, NULL);
    if (want.format == ZIP) {
        zip_member(entry, name, link, content);
    } else {
        begin_tar(entry, name, link);
        if (content) tar_content(entry, path, content);
    }
}

void end_archive(void)
{
    static const char zeros[2 * BLOCK];
    char end[22], *at;
    unsigned long long place = written;

    if (want.format != ZIP) {
        put(zeros, sizeof zeros);
        fill_up(RECORD);
        if (want.gzip) put_packed(NULL, 0, Z_FINISH);
        return;
    }
    if (place >> 32 || member_count > 0xFFFE) {
        complain("Write error: zip of this sandbox's tar holds 4 GB and 65,534 members at the most; make a tar");
        exit(1);
    }
    put(directory, directory_size);
    at = two(two(two(two(four(end, 0x06054B50), 0), 0), member_count), member_count);
    two(four(four(at, directory_size), place), 0);
    put(end, sizeof end);
}
