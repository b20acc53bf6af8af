/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an archive that tar.exe reads: of a file or of standard input, unpacked where gzip packed them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "tar.h"

struct input {
    HANDLE file;
    unsigned char raw[CHUNK];
    unsigned long at, end;
    BOOL gzip, over;  /* over: a whole stream of gzip has been read */
    z_stream unpack;
};

/* Read more; FALSE at the end. What is left of the buffer stays at its beginning. */
static BOOL fill(struct input *input)
{
    DWORD got = 0;

    memmove(input->raw, input->raw + input->at, input->end - input->at);
    input->end -= input->at;
    input->at = 0;
    if (input->end == CHUNK) return TRUE;
    if (!ReadFile(input->file, input->raw + input->end, CHUNK - input->end, &got, NULL)) got = 0;  /* end of a pipe */
    input->end += got;
    return got > 0;
}

static const struct { const char *name; int length; const char *magic; } PACKERS[] = {
    {"bzip2", 3, "BZh"}, {"xz", 6, "\xFD" "7zXZ"}, {"zstd", 4, "\x28\xB5\x2F\xFD"}, {"7-Zip", 4, "7z\xBC\xAF"},
    {"lz4", 4, "\x04\x22\x4D\x18"}, {"cabinet", 4, "MSCF"}, {"RAR", 4, "Rar!"},
};

struct input *open_input(const WCHAR *path)
{
    struct input *input = calloc(1, sizeof *input);

    input->file = !wcscmp(path, L"-") ? GetStdHandle(STD_INPUT_HANDLE)
        : CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                      0, NULL);
    if (input->file == INVALID_HANDLE_VALUE) {
        fprintf(stderr, "tar: Error opening archive: Failed to open '");
        say(stderr, path);
        fprintf(stderr, "'\n");
        return NULL;
    }
    while (input->end < 512 && fill(input)) ;
    for (size_t i = 0; i < sizeof PACKERS / sizeof *PACKERS; i++) {
        if (input->end < 6 || memcmp(input->raw, PACKERS[i].magic, PACKERS[i].length)) continue;
        complain("Error opening archive: it is packed by %s, and this sandbox's tar reads tar, zip and gzip",
                 PACKERS[i].name);
        return NULL;
    }
    input->gzip = input->end > 2 && input->raw[0] == 0x1F && input->raw[1] == 0x8B;
    if (input->gzip) inflateInit2(&input->unpack, 15 + 16);
    return input;
}

BOOL is_zip(struct input *input)
{
    return input->end > 3 && (!memcmp(input->raw, "PK\3\4", 4) || !memcmp(input->raw, "PK\5\6", 4));
}

HANDLE input_file(struct input *input)
{
    LARGE_INTEGER start = {.QuadPart = 0};
    WCHAR folder[MAX_PATH], path[MAX_PATH];
    HANDLE copy;
    DWORD done;

    if (GetFileType(input->file) == FILE_TYPE_DISK && SetFilePointerEx(input->file, start, NULL, FILE_BEGIN))
        return input->file;
    GetTempPathW(MAX_PATH, folder);  /* a zip's directory stands at its end */
    GetTempFileNameW(folder, L"tar", 0, path);
    copy = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    do {
        if (!WriteFile(copy, input->raw + input->at, input->end - input->at, &done, NULL)) {
            complain("Error opening archive: cannot keep standard input in a file (Windows error %lu)", GetLastError());
            return NULL;
        }
        input->at = input->end;
    } while (fill(input));
    SetFilePointerEx(copy, start, NULL, FILE_BEGIN);
    return copy;
}

static long take_packed(struct input *input, unsigned char *to, unsigned long size)
{
    z_stream *unpack = &input->unpack;

    unpack->next_out = to;
    unpack->avail_out = size;
    while (unpack->avail_out) {
        int done;

        if (input->at == input->end && !fill(input)) {
            if (input->over) break;
            return complain("Truncated gzip input");
        }
        if (input->over) {  /* another stream may follow; zeros and anything else are padding */
            if (input->raw[input->at] != 0x1F) break;
            inflateReset(unpack);
            input->over = FALSE;
        }
        unpack->next_in = input->raw + input->at;
        unpack->avail_in = input->end - input->at;
        done = inflate(unpack, Z_NO_FLUSH);
        input->at = input->end - unpack->avail_in;
        if (done == Z_STREAM_END) input->over = TRUE;
        else if (done != Z_OK && done != Z_BUF_ERROR) return complain("gzip decompression failed");
    }
    return size - unpack->avail_out;
}

long take(struct input *input, void *to, unsigned long size)
{
    unsigned long done = 0;

    if (input->gzip) return take_packed(input, to, size);
    while (done < size) {
        unsigned long part = input->end - input->at;

        if (!part && !fill(input)) break;
        part = min(input->end - input->at, size - done);
        memcpy((char *)to + done, input->raw + input->at, part);
        input->at += part;
        done += part;
    }
    return done;
}
