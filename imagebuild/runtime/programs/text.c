/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the C library for programs that link none. The compiler itself calls the first three. */
#include <stddef.h>
#include <wchar.h>

#define AS_WRITTEN __attribute__((optimize("no-tree-loop-distribute-patterns"))) /* else strlen would call strlen */

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;

    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memset(void *to, int value, size_t size)
{
    void *start = to;

    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
    return start;
}

AS_WRITTEN void *memmove(void *to, const void *from, size_t size)
{
    if ((size_t)to - (size_t)from >= size) return memcpy(to, from, size);
    while (size--) ((char *)to)[size] = ((const char *)from)[size];
    return to;
}

AS_WRITTEN size_t strlen(const char *text)
{
    const char *end = text;

    while (*end) end++;
    return end - text;
}

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

char *strcat(char *restrict to, const char *restrict from)
{
    memcpy(to + strlen(to), from, strlen(from) + 1);
    return to;
}

AS_WRITTEN int strncmp(const char *a, const char *b, size_t most)
{
    for (; most && *a == *b; a++, b++, most--) if (!*a) return 0;
    return most ? (unsigned char)*a - (unsigned char)*b : 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1 >> 1);
}

AS_WRITTEN char *strrchr(const char *text, int wanted)
{
    const char *found = NULL;

    do if (*text == wanted) found = text; while (*text++);
    return (char *)found;
}

AS_WRITTEN size_t wcslen(const wchar_t *text)
{
    const wchar_t *end = text;

    while (*end) end++;
    return end - text;
}

wchar_t *wcscpy(wchar_t *restrict to, const wchar_t *restrict from)
{
    return memcpy(to, from, (wcslen(from) + 1) * sizeof *to);
}

AS_WRITTEN int wcsncmp(const wchar_t *a, const wchar_t *b, size_t most)
{
    for (; most && *a == *b; a++, b++, most--) if (!*a) return 0;
    return most ? *a - *b : 0;
}

AS_WRITTEN wchar_t *wcschr(const wchar_t *text, wchar_t wanted)
{
    do if (*text == wanted) return (wchar_t *)text; while (*text++);
    return NULL;
}

AS_WRITTEN wchar_t *wcsrchr(const wchar_t *text, wchar_t wanted)
{
    const wchar_t *found = NULL;

    do if (*text == wanted) found = text; while (*text++);
    return (wchar_t *)found;
}
