/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of tar that tar.exe reads: v7, ustar, GNU's long names and numbers, pax. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tar.h"

#define BLOCK 512
#define LONGEST_RECORD (1 << 20)  /* bytes of a pax header or a long name */

struct tar {
    struct reader port;
    struct input *input;
    unsigned long long left, padding;  /* of the entry before */
    BOOL begun;
    /* What pax says of the next entry. */
    char *name, *link;
    long long size, seconds;
};

static long long number(const unsigned char *field, int length)
{
    long long value = 0;

    if (*field & 0x80) {
        value = *field & 0x3F;
        for (int i = 1; i < length; i++) value = value << 8 | field[i];
        return value;
    }
    for (int i = 0; i < length && field[i]; i++)
        if (field[i] >= '0' && field[i] <= '7') value = value * 8 + field[i] - '0';
    return value;
}

static BOOL is_sound(const unsigned char *block)
{
    long long sum = 0, with_signs = 0, said = number(block + 148, 8);

    for (int i = 0; i < BLOCK; i++) {
        int byte = i >= 148 && i < 156 ? ' ' : block[i];

        sum += byte;
        with_signs += (signed char)byte;
    }
    return said == sum || said == with_signs;
}

static BOOL is_empty(const unsigned char *block)
{
    for (int i = 0; i < BLOCK; i++) if (block[i]) return FALSE;
    return TRUE;
}

static int truncated(void)
{
    return complain("Truncated tar archive");
}

/* The content of an entry that speaks of the next; the caller frees it. NULL: told. */
static char *record(struct tar *tar, unsigned long long size)
{
    unsigned long whole = (size + BLOCK - 1) / BLOCK * BLOCK;
    char *text;

    if (size > LONGEST_RECORD) {
        complain("Damaged tar archive: a header of %llu bytes", size);
        return NULL;
    }
    text = calloc(1, whole + 1);
    if (take(tar->input, text, whole) != (long)whole) {
        truncated();
        free(text);
        return NULL;
    }
    text[size] = 0;
    return text;
}

static void set(char **kept, const char *text)
{
    free(*kept);
    *kept = _strdup(text);
}

/* "LENGTH KEY=VALUE\n", one behind the other. */
static void read_pax(struct tar *tar, char *text, unsigned long long size)
{
    char *at = text, *end = text + size;

    while (at < end) {
        char *space, *record_end, *equals;
        unsigned long length = strtoul(at, &space, 10);

        if (length < 5 || length > (unsigned long)(end - at) || *space != ' ') return;
        record_end = at + length - 1;
        *record_end = 0;
        equals = strchr(space, '=');
        if (equals) {
            *equals = 0;
            if (!strcmp(space + 1, "path")) set(&tar->name, equals + 1);
            else if (!strcmp(space + 1, "linkpath")) set(&tar->link, equals + 1);
            else if (!strcmp(space + 1, "size")) tar->size = strtoll(equals + 1, NULL, 10);
            else if (!strcmp(space + 1, "mtime")) tar->seconds = strtoll(equals + 1, NULL, 10);
        }
        at = record_end + 1;
    }
}

/* UTF-8, else the machine's code page. */
static void to_name(const char *bytes, WCHAR *out)
{
    if (!from_bytes(bytes, strlen(bytes), CP_UTF8, out) && !from_bytes(bytes, strlen(bytes), CP_ACP, out)) *out = 0;
}

static void forget(struct tar *tar)
{
    free(tar->name);
    free(tar->link);
    tar->name = tar->link = NULL;
    tar->size = tar->seconds = -1;
}

static int skip(struct tar *tar)
{
    static char waste[CHUNK];
    unsigned long long left = tar->left + tar->padding;

    while (left) {
        long got = take(tar->input, waste, (unsigned long)min(left, CHUNK));

        if (got < 0) return -1;
        if (!got) return tar->left ? truncated() : 0;  /* some writers leave the last block short */
        left -= got;
    }
    tar->left = tar->padding = 0;
    return 0;
}

static void describe(struct tar *tar, const unsigned char *block, struct entry *entry)
{
    char name[BLOCK], link[101];
    ULONGLONG time = ((tar->seconds >= 0 ? tar->seconds : number(block + 136, 12)) + 11644473600LL) * 10000000;
    int type = block[156], length;

    if (!memcmp(block + 257, "ustar\0", 6) && block[345]) sprintf(name, "%.155s/%.100s", block + 345, block);
    else sprintf(name, "%.100s", block);
    sprintf(link, "%.100s", block + 157);
    to_name(tar->name ? tar->name : name, entry->name);
    to_name(tar->link ? tar->link : link, entry->link);
    length = wcslen(entry->name);
    entry->kind = type == '5' || ((type == '0' || !type) && length && entry->name[length - 1] == '/') ? FOLDER
        : type == '0' || type == '7' || !type ? PLAIN : type == '1' ? HARD_LINK : type == '2' ? SYMLINK : OTHER;
    if (entry->kind != SYMLINK && entry->kind != HARD_LINK) *entry->link = 0;
    entry->size = tar->size >= 0 ? (unsigned long long)tar->size : (unsigned long long)number(block + 124, 12);
    if (entry->kind == FOLDER || entry->kind == SYMLINK) entry->size = 0;
    entry->mode = number(block + 100, 8);
    entry->modified = (FILETIME){(DWORD)time, (DWORD)(time >> 32)};
}

static int next(struct reader *port, struct entry *entry)
{
    struct tar *tar = (struct tar *)port;
    unsigned char block[BLOCK];

    if (skip(tar)) return -1;
    forget(tar);
    for (;;) {
        long got = take(tar->input, block, BLOCK);
        unsigned long long size;
        char *text;

        if (got < 0) return -1;
        if (!got && tar->begun) return 0;
        if (got == BLOCK && is_empty(block)) {
            if (tar->begun) return 0;
            tar->begun = TRUE;  /* an archive of nothing */
            continue;
        }
        if (got != BLOCK || !is_sound(block))
            return tar->begun ? complain(got == BLOCK ? "Damaged tar archive" : "Truncated tar archive")
                : complain("Error opening archive: Unrecognized archive format");
        tar->begun = TRUE;
        size = number(block + 124, 12);
        if (block[156] != 'x' && block[156] != 'g' && block[156] != 'L' && block[156] != 'K') break;
        text = record(tar, size);
        if (!text) return -1;
        if (block[156] == 'x') read_pax(tar, text, size);
        else if (block[156] == 'L') set(&tar->name, text);
        else if (block[156] == 'K') set(&tar->link, text);
        free(text);
    }
    describe(tar, block, entry);
    if ((long long)entry->size < 0) return complain("Damaged tar archive");
    tar->left = entry->size;
    tar->padding = (BLOCK - entry->size % BLOCK) % BLOCK;
    return 1;
}

static long data(struct reader *port, void *to, unsigned long size)
{
    struct tar *tar = (struct tar *)port;
    long got = take(tar->input, to, (unsigned long)min(tar->left, size));

    if (!got && tar->left) {
        tar->left = tar->padding = 0;
        return complain("Truncated tar archive detected while reading data");
    }
    if (got > 0) tar->left -= got;
    return got;
}

struct reader *tar_reader(struct input *input)
{
    struct tar *tar = calloc(1, sizeof *tar);

    tar->port = (struct reader){next, data};
    tar->input = input;
    return &tar->port;
}
