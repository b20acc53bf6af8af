/* SPDX-License-Identifier: Apache-2.0 */
/* serve PORT: answer every connection with an HTTP response that has the host's name in it. */
#include <winsock2.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    WSADATA data;
    char host[64] = "", asked[4096], answer[256];
    struct sockaddr_in address = {.sin_family = AF_INET};
    SOCKET listener, one;

    if (argc != 2 || WSAStartup(0x202, &data)) return 2;
    gethostname(host, sizeof host);
    address.sin_port = htons((unsigned short)atoi(argv[1]));
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 20)) return 3;
    puts("serving");
    fflush(stdout);
    while ((one = accept(listener, NULL, NULL)) != INVALID_SOCKET) {
        recv(one, asked, sizeof asked, 0);
        snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\nhello from %s",
                 11 + (int)strlen(host), host);
        send(one, answer, (int)strlen(answer), 0);
        shutdown(one, SD_SEND);
        closesocket(one);
        puts("served");
        fflush(stdout);
    }
    return 4;
}
