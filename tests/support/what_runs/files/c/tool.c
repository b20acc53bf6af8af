/* SPDX-License-Identifier: Apache-2.0 */
/* Counts its input, starts itself with its own handles, waits, or answers on a port. */
#include <winsock2.h>
#include <windows.h>
#include <process.h>
#include <stdio.h>
#include <string.h>

static int count(const char *self)
{
    char block[4096];
    unsigned long long all = 0;
    size_t got;

    puts("counts");
    fflush(stdout);
    while ((got = fread(block, 1, sizeof block, stdin))) all += got;
    printf("read %llu\n", all);
    fflush(stdout);
    system("echo from cmd");
    printf("%d\n", (int)_spawnl(_P_WAIT, self, "tool", "say", NULL));
    return 6;
}

static int serve(void)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 16\r\n\r\nhello from mingw";
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = 8080 >> 8 | (8080 & 255) << 8};
    WSADATA data;
    SOCKET listening, asked;
    char block[4096];

    WSAStartup(MAKEWORD(2, 2), &data);
    listening = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listening, (struct sockaddr *)&place, sizeof place) || listen(listening, 5)) return 1;
    puts("up");
    fflush(stdout);
    while ((asked = accept(listening, NULL, NULL)) != INVALID_SOCKET) {
        recv(asked, block, sizeof block, 0);
        send(asked, answer, sizeof answer - 1, 0);
        closesocket(asked);
    }
    return 1;
}

int main(int count_of, char **argument)
{
    const char *what = count_of > 1 ? argument[1] : "";

    if (!strcmp(what, "count")) return count(argument[0]);
    if (!strcmp(what, "serve")) return serve();
    if (!strcmp(what, "say")) return puts("inherits"), 9;
    puts("up");
    fflush(stdout);
    Sleep(INFINITE);
    return 0;
}
