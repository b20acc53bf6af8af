/* SPDX-License-Identifier: Apache-2.0 */
/* fetch HOST PORT: print what an HTTP server answers. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    WSADATA data;
    char piece[4096];
    SOCKET one;
    int size;

    if (argc != 3 || WSAStartup(0x202, &data)) return 2;
    if (getaddrinfo(argv[1], argv[2], &hints, &found)) return 3;
    one = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one, found->ai_addr, (int)found->ai_addrlen)) return 4;
    send(one, ask, sizeof ask - 1, 0);
    while ((size = recv(one, piece, sizeof piece, 0)) > 0) fwrite(piece, 1, (size_t)size, stdout);
    return 0;
}
