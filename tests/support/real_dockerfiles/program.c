/* SPDX-License-Identifier: Apache-2.0 */
/* The program that stands for every made-up .exe: it says its name and a version, and ends with 0. For "--list", as
 * busybox has it, it names three commands. */
#include <stdio.h>
#include <string.h>

int main(int arguments, char **argument)
{
    const char *name = argument[0], *at;
    FILE *out = stdout;

    for (at = name; *at; at++)
        if (*at == '\\' || *at == '/') name = at + 1;
    if (arguments > 1 && !strcmp(argument[1], "--list")) {
        puts("cat\nls\nsh");
        return 0;
    }
    if (arguments > 1 && !strcmp(argument[1], "-version")) out = stderr;  /* as java does */
    fprintf(out, "%s version 1.0 (made up)\n", name);
    return 0;
}
