/* SPDX-License-Identifier: Apache-2.0 */
/* ping. Wine's knows neither -t, with which half of all containers in examples are kept running, nor -4 and -a; and it
 * needs drivers and services that take 30 MB and a second to start. A program in Wine is a Linux process, so this one
 * asks the kernel itself, for a socket that any user may have (icmp(7)).
 */
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* Linux on x86-64. */
enum { SYS_POLL = 7, SYS_SOCKET = 41, SYS_SENDTO = 44, SYS_RECVMSG = 47, SYS_SETSOCKOPT = 54 };
enum { LINUX_DGRAM = 2, LINUX_CLOEXEC = 02000000, LINUX_IP_TTL = 2, LINUX_IP_RECVERR = 11, LINUX_IP_RECVTTL = 12 };
enum { LINUX_ENETUNREACH = 101, LINUX_EHOSTUNREACH = 113 };
enum { ECHO_REQUEST = 8, ECHO_REPLY = 0, TIMED_OUT = 1, FAILED = 2 };

struct poll { int descriptor; short events, revents; };
struct vector { void *base; size_t length; };
struct message { void *name; uint32_t name_length; struct vector *vectors; size_t count; void *control;
                 size_t control_length; int flags; };
struct control { size_t length; int level, type, value; };

#define MOST_BYTES 65500

static const char USAGE[] =
    "\nUsage: ping [-t] [-n count] [-l size] [-i TTL] [-w timeout] [-4] target_name\n\n"
    "    -t             until it is stopped\n"
    "    -n count       so many requests (4)\n"
    "    -l size        bytes in each (32)\n"
    "    -i TTL         time to live\n"
    "    -w timeout     milliseconds to wait for a reply (4000)\n"
    "    -4             IPv4, which is all there is\n";

static struct { unsigned long sent, received, least, most, sum; } seen = {0, 0, ~0ul, 0, 0};
static char address[INET_ADDRSTRLEN];

static void statistics(void)
{
    unsigned long lost = seen.sent - seen.received;

    if (!seen.sent) return;
    printf("\nPing statistics for %s:\n", address);
    printf("    Packets: Sent = %lu, Received = %lu, Lost = %lu (%lu%% loss),\n", seen.sent, seen.received, lost,
           lost * 100 / seen.sent);
    if (seen.received)
        printf("Approximate round trip times in milli-seconds:\n"
               "    Minimum = %lums, Maximum = %lums, Average = %lums\n",
               seen.least, seen.most, seen.sum / seen.received);
    fflush(stdout);
}

static BOOL WINAPI stopped(DWORD event)
{
    statistics();
    if (event == CTRL_C_EVENT) printf("Control-C\n");
    fflush(stdout);
    ExitProcess(event == CTRL_BREAK_EVENT ? 0 : seen.received ? 0 : 1);
}

/* A number after an option, or ends with what Windows says. */
static long number(int argc, WCHAR **argv, int *at, long least, long most)
{
    WCHAR *end, *option = argv[*at];
    long value;

    if (++*at >= argc) {
        printf("Value must be supplied for option %ls.\n", option);
        exit(1);
    }
    value = wcstol(argv[*at], &end, 10);
    if (*end || end == argv[*at] || value < least || value > most) {
        printf("Bad value for option %ls, valid range is from %ld to %ld.\n", option, least, most);
        exit(1);
    }
    return value;
}

static int64_t linux_call(int64_t call, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)
{
    register int64_t r10 __asm__("r10") = d;
    register int64_t r8 __asm__("r8") = e;
    register int64_t r9 __asm__("r9") = f;
    int64_t result;

    __asm__ volatile("syscall" : "=a"(result) : "a"(call), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static int open_socket(int ttl)
{
    int64_t out = linux_call(SYS_SOCKET, AF_INET, LINUX_DGRAM | LINUX_CLOEXEC, IPPROTO_ICMP, 0, 0, 0);
    int yes = 1;

    if (out < 0) return -1;
    linux_call(SYS_SETSOCKOPT, out, 0, LINUX_IP_TTL, (intptr_t)&ttl, sizeof ttl, 0);
    linux_call(SYS_SETSOCKOPT, out, 0, LINUX_IP_RECVTTL, (intptr_t)&yes, sizeof yes, 0);
    linux_call(SYS_SETSOCKOPT, out, 0, LINUX_IP_RECVERR, (intptr_t)&yes, sizeof yes, 0);
    return (int)out;
}

static double now(void)
{
    LARGE_INTEGER count, each;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&each);
    return (double)count.QuadPart * 1000 / (double)each.QuadPart;
}

/* Send one request and wait for its reply: 0, or the kernel's error, negative, or TIMED_OUT. */
static int64_t echo(int descriptor, IN_ADDR to, unsigned short order, char *packet, char *answer, long size, long wait,
                 unsigned *took, int *ttl)
{
    struct { unsigned short family, port; IN_ADDR where; char zero[8]; } target = {AF_INET, 0, to, {0}};
    double begun = now();
    int64_t sent;

    memset(packet, 0, 8);
    packet[0] = ECHO_REQUEST;
    packet[6] = (char)(order >> 8), packet[7] = (char)order; /* the kernel fills in the identifier and the sum */
    sent = linux_call(SYS_SENDTO, descriptor, (intptr_t)packet, size + 8, 0, (intptr_t)&target, sizeof target);
    if (sent < 0) return sent;
    for (;;) {
        struct poll ready = {descriptor, 1, 0};
        struct vector vector = {answer, (size_t)size + 8};
        struct control control = {0};
        struct message message = {NULL, 0, &vector, 1, &control, sizeof control, 0};
        int64_t left = wait - (int64_t)(now() - begun), got;

        if (left < 0 || !linux_call(SYS_POLL, (intptr_t)&ready, 1, left, 0, 0, 0)) return TIMED_OUT;
        got = linux_call(SYS_RECVMSG, descriptor, (intptr_t)&message, 0, 0, 0, 0);
        if (got < 0) return got;
        if (got >= 8 && answer[0] == ECHO_REPLY && answer[6] == packet[6] && answer[7] == packet[7]) {
            *took = (unsigned)(now() - begun);
            *ttl = control.length >= sizeof control - 4 ? control.value : 0;
            return 0;
        }
    }
}

static const char *failure(int64_t status)
{
    switch (status) {
    case TIMED_OUT: return "Request timed out.";
    case -LINUX_ENETUNREACH: return "Destination net unreachable.";
    case -LINUX_EHOSTUNREACH: return "Destination host unreachable.";
    }
    return "PING: transmit failed. General failure.";
}

int wmain(int argc, WCHAR **argv)
{
    long count = 4, size = 32, wait = 4000, ttl = 128;
    int endless = 0;
    WCHAR *name = NULL;
    ADDRINFOW hints = {.ai_family = AF_INET}, *found;
    IN_ADDR where, typed;
    WSADATA data;
    char *packet, *answer;
    int descriptor;

    for (int at = 1; at < argc; at++) {
        WCHAR letter = (argv[at][0] == '-' || argv[at][0] == '/') && argv[at][1] && !argv[at][2] ? argv[at][1] : 0;

        if (!letter && argv[at][0] != '-' && !name) name = argv[at];
        else if (letter == 't') endless = 1;
        else if (letter == '4' || letter == 'a') continue;
        else if (letter == 'n') count = number(argc, argv, &at, 1, 0x7fffffff);
        else if (letter == 'l') size = number(argc, argv, &at, 0, MOST_BYTES);
        else if (letter == 'i') ttl = number(argc, argv, &at, 1, 255);
        else if (letter == 'w') wait = number(argc, argv, &at, 0, 0x7fffffff);
        else {
            if (letter != '?') printf("Bad option %ls.\n\n", argv[at]);
            printf("%s", USAGE);
            return letter != '?';
        }
    }
    if (!name) {
        printf("%s", argc > 1 ? "IP address must be specified.\n" : USAGE);
        return 1;
    }
    if (WSAStartup(MAKEWORD(2, 2), &data) || GetAddrInfoW(name, NULL, &hints, &found)) {
        printf("Ping request could not find host %ls. Please check the name and try again.\n", name);
        return 1;
    }
    where = ((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr;
    inet_ntop(AF_INET, &where, address, sizeof address);
    packet = malloc((size_t)size + 8);
    answer = malloc((size_t)size + 8);
    if (!packet || !answer) return 1;
    for (long at = 0; at < size; at++) packet[at + 8] = (char)('a' + at % 23);
    descriptor = open_socket((int)ttl);
    SetConsoleCtrlHandler(stopped, TRUE);
    if (InetPtonW(AF_INET, name, &typed) == 1) printf("\nPinging %s with %ld bytes of data:\n", address, size);
    else printf("\nPinging %ls [%s] with %ld bytes of data:\n", name, address, size);
    fflush(stdout);
    for (long at = 0; endless || at < count; at++) {
        unsigned took = 0;
        int hops = 0;
        int64_t status;

        if (at) Sleep(1000);
        seen.sent++;
        status = descriptor < 0 ? FAILED
                 : echo(descriptor, where, (unsigned short)at, packet, answer, size, wait, &took, &hops);
        if (!status) {
            seen.received++;
            seen.sum += took;
            if (took < seen.least) seen.least = took;
            if (took > seen.most) seen.most = took;
            printf("Reply from %s: bytes=%ld ", address, size);
            if (took) printf("time=%ums ", took);
            else printf("time<1ms ");
            printf("TTL=%d\n", hops);
        } else {
            printf("%s\n", failure(status));
        }
        fflush(stdout);
    }
    statistics();
    return seen.received ? 0 : 1;
}
