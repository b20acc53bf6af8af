/* SPDX-License-Identifier: Apache-2.0 */
/* Named pipes of the box, whose other end is on the host: \\.\pipe\docker_engine.
 *
 * All connections of all pipes go through our two standard streams, as frames: three numbers of 32 bits, little-endian
 * (channel, kind, length), and so many bytes. Kinds are letters:
 *
 *   host: L listen (channel: a number for the pipe, bytes: its name in UTF-16), U listen no more, R all pipes are there,
 *         D data, E end of data, C close, W the host took so many bytes more (32 bits)
 *   we:   K the pipe is there, F it cannot be made (the error), O a connection (the pipe's number), D, E, C, W
 *
 * We number connections. Each side sends C once; the number is free when both have. Neither sends more data than the
 * other side has room for, WINDOW bytes at the beginning, so that one connection that nothing reads holds up no other.
 *
 * Pipes are made as Docker makes its own (go-winio's ListenPipe with MessageMode): of messages, read as bytes. A client
 * ends its data by a message of no bytes, and so do we. Everything but the reading of standard input is done by one
 * thread, in calls that its input and output complete with: Wine fills a megabyte for each thread.
 */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include "processes.h"
#include "relay.h"
#include "request.h"

#define PIECE 65536       /* bytes of a frame, of a read, and of what a pipe holds (moby's daemon/listeners) */
#define WINDOW (4 * PIECE)
#define INSTANCES 4       /* of a pipe that wait for a client: so many come at once without one being told to wait */
#define PIPES 8
#define LISTEN 0x110008   /* FSCTL_PIPE_LISTEN */
#define CONNECTED 0xC00000B2
#define PENDING 0x103
#define EXPECTED L"wcow-pipes"
#define PATIENCE 20000    /* milliseconds until a main program runs without its pipes */

NTSYSAPI NTSTATUS NTAPI NtFsControlFile(HANDLE, HANDLE, PIO_APC_ROUTINE, void *, IO_STATUS_BLOCK *, ULONG, void *, ULONG,
                                        void *, ULONG);

struct head { DWORD channel, kind, length; };

struct piece { /* a frame of the host's; of data, it waits until the pipe took it */
    struct piece *next;
    struct head head;
    char bytes[];
};

struct pipe {
    WCHAR name[256];
    int listens;
};

struct instance {
    struct instance *next;
    DWORD pipe;
    HANDLE handle;
    IO_STATUS_BLOCK status;
    int over;
};

struct channel {
    struct channel *next;
    DWORD number, room;             /* how much the host takes */
    HANDLE handle;
    int reading, writing, ended, told, closed;
    OVERLAPPED read, write;
    struct piece *first, **last;    /* what the pipe is to get */
    struct { struct head head; char bytes[PIECE]; } got;
};

static struct pipe pipes[PIPES];
static struct instance *instances;
static struct channel *channels;
static DWORD numbers;
static HANDLE in, out, self;

static void read_on(struct channel *channel);

static void send(struct head *frame)
{
    const char *at = (const char *)frame;
    DWORD left = sizeof *frame + frame->length, wrote;

    for (; left; at += wrote, left -= wrote)
        if (!WriteFile(out, at, left, &wrote, NULL)) ExitProcess(1); /* the host is gone */
}

static void tell(DWORD channel, DWORD kind, DWORD value)
{
    struct { struct head head; DWORD value; } frame = {{channel, kind, sizeof value}, value};

    send(&frame.head);
}

static void tell_only(DWORD channel, DWORD kind)
{
    struct head frame = {channel, kind, 0};

    send(&frame);
}

/* --- one connection */

/* It is freed when nothing is under way and both sides have closed it. */
static void settle(struct channel *channel)
{
    if (channel->closed && !channel->first && channel->handle) {
        CloseHandle(channel->handle); /* what it was sent can still be read, and a read of ours ends */
        channel->handle = NULL;
    }
    if (channel->ended && (channel->closed || !channel->handle) && !channel->told) {
        channel->told = 1;
        tell_only(channel->number, 'C');
    }
    if (channel->told && channel->closed && !channel->reading && !channel->writing && !channel->handle)
        for (struct channel **at = &channels; *at; at = &(*at)->next)
            if (*at == channel) {
                *at = channel->next;
                VirtualFree(channel, 0, MEM_RELEASE);
                return;
            }
}

static void drop_pieces(struct channel *channel)
{
    for (struct piece *piece; (piece = channel->first);) {
        channel->first = piece->next;
        HeapFree(GetProcessHeap(), 0, piece);
    }
    channel->last = &channel->first;
}

/* The client is gone: nothing can be written to it either. */
static void lose(struct channel *channel)
{
    channel->ended = 1;
    if (channel->handle) CloseHandle(channel->handle);
    channel->handle = NULL;
    if (!channel->writing) drop_pieces(channel);
    settle(channel);
}

static void CALLBACK have_read(DWORD error, DWORD size, OVERLAPPED *overlapped)
{
    struct channel *channel = CONTAINING_RECORD(overlapped, struct channel, read);

    channel->reading = 0;
    if (error) {
        lose(channel);
        return;
    }
    channel->got.head = (struct head){channel->number, size ? 'D' : 'E', size};
    channel->room -= size;
    send(&channel->got.head);
    read_on(channel); /* behind the end, too: so we see that the client goes */
}

static void read_on(struct channel *channel)
{
    if (channel->reading || channel->ended || !channel->handle || !channel->room) return;
    channel->reading = 1;
    if (!ReadFileEx(channel->handle, channel->got.bytes, channel->room < PIECE ? channel->room : PIECE, &channel->read,
                    have_read))
        have_read(GetLastError(), 0, &channel->read);
}

static void write_on(struct channel *channel);

static void CALLBACK have_written(DWORD error, DWORD size, OVERLAPPED *overlapped)
{
    struct channel *channel = CONTAINING_RECORD(overlapped, struct channel, write);
    struct piece *piece = channel->first;

    (void)size;
    channel->writing = 0;
    if (!(channel->first = piece->next)) channel->last = &channel->first;
    if (!error && piece->head.length) tell(channel->number, 'W', piece->head.length);
    HeapFree(GetProcessHeap(), 0, piece);
    if (error || !channel->handle) {
        lose(channel);
        return;
    }
    write_on(channel);
    settle(channel);
}

static void write_on(struct channel *channel)
{
    if (channel->writing || !channel->first || !channel->handle) return;
    channel->writing = 1;
    if (!WriteFileEx(channel->handle, channel->first->bytes, channel->first->head.length, &channel->write, have_written))
        have_written(GetLastError(), 0, &channel->write);
}

/* --- pipes */

static void offer(DWORD pipe);

static void begin(HANDLE handle, DWORD pipe)
{
    struct channel *channel = VirtualAlloc(NULL, sizeof *channel, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);

    if (!channel) {
        CloseHandle(handle);
        return;
    }
    channel->handle = handle;
    channel->number = ++numbers;
    channel->room = WINDOW;
    channel->last = &channel->first;
    channel->next = channels;
    channels = channel;
    tell(channel->number, 'O', pipe);
    read_on(channel);
}

static void WINAPI have_client(void *arg, IO_STATUS_BLOCK *status, ULONG unused)
{
    struct instance *instance = arg;
    NTSTATUS result = status->Status;

    (void)unused;
    for (struct instance **at = &instances; *at; at = &(*at)->next)
        if (*at == instance) {
            *at = instance->next;
            break;
        }
    if (!instance->over && (!result || result == (NTSTATUS)CONNECTED)) {
        offer(instance->pipe); /* before the client is served: the next one finds a pipe */
        begin(instance->handle, instance->pipe);
    } else if (!instance->over) {
        CloseHandle(instance->handle);
        offer(instance->pipe);
    }
    HeapFree(GetProcessHeap(), 0, instance);
}

/* One more instance that waits for a client. */
static void offer(DWORD pipe)
{
    struct instance *instance = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *instance);
    NTSTATUS status;

    if (!instance || !pipes[pipe].listens) return;
    instance->pipe = pipe;
    instance->handle = CreateNamedPipeW(pipes[pipe].name, PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
                                        PIPE_TYPE_MESSAGE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
                                        PIPE_UNLIMITED_INSTANCES, PIECE, PIECE, 0, NULL);
    if (instance->handle == INVALID_HANDLE_VALUE) {
        HeapFree(GetProcessHeap(), 0, instance);
        if (pipes[pipe].listens == 1) tell(pipe, 'F', GetLastError());
        pipes[pipe].listens = 0;
        return;
    }
    instance->next = instances;
    instances = instance;
    status = NtFsControlFile(instance->handle, NULL, have_client, instance, &instance->status, LISTEN, NULL, 0, NULL, 0);
    if (status && status != PENDING) {
        instance->status.Status = status;
        have_client(instance, &instance->status, 0);
    }
}

static void listen(const struct piece *piece)
{
    DWORD pipe = piece->head.channel, length = piece->head.length / sizeof(WCHAR);

    if (pipe >= PIPES || length >= sizeof pipes->name / sizeof(WCHAR) || pipes[pipe].listens) return;
    for (DWORD i = 0; i < length; i++) pipes[pipe].name[i] = ((const WCHAR *)piece->bytes)[i];
    pipes[pipe].name[length] = 0;
    pipes[pipe].listens = 1;
    offer(pipe);
    if (!pipes[pipe].listens) return;
    pipes[pipe].listens = 2;
    for (int i = 1; i < INSTANCES; i++) offer(pipe);
    tell_only(pipe, 'K');
}

static void stop_listening(DWORD pipe)
{
    if (pipe >= PIPES) return;
    pipes[pipe].listens = 0;
    for (struct instance *one = instances; one; one = one->next)
        if (one->pipe == pipe && !one->over) {
            one->over = 1;
            CloseHandle(one->handle);
        }
}

/* --- the host */

static struct channel *find(DWORD number)
{
    struct channel *channel = channels;

    while (channel && channel->number != number) channel = channel->next;
    return channel;
}

/* Whether the piece is kept. */
static int take(struct piece *piece, struct channel *channel)
{
    switch (piece->head.kind) {
    case 'D': case 'E':
        if (!channel->handle) break;
        piece->next = NULL;
        *channel->last = piece;
        channel->last = &piece->next;
        write_on(channel);
        return 1;
    case 'W':
        if (piece->head.length == sizeof(DWORD)) channel->room += *(DWORD *)piece->bytes;
        read_on(channel);
        break;
    case 'C':
        channel->closed = 1;
        channel->ended = 1;
        settle(channel);
    }
    return 0;
}

static void CALLBACK hear(ULONG_PTR arg)
{
    struct piece *piece = (struct piece *)arg;
    struct channel *channel;
    HANDLE expected;
    int kept = 0;

    switch (piece->head.kind) {
    case 'L': listen(piece); break;
    case 'U': stop_listening(piece->head.channel); break;
    case 'R':
        if ((expected = OpenEventW(EVENT_MODIFY_STATE, FALSE, EXPECTED))) {
            SetEvent(expected);
            CloseHandle(expected);
        }
        break;
    default:
        if ((channel = find(piece->head.channel))) kept = take(piece, channel);
    }
    if (!kept) HeapFree(GetProcessHeap(), 0, piece);
}

static int read_all(void *bytes, DWORD size)
{
    DWORD got;

    for (char *at = bytes; size; at += got, size -= got)
        if (!ReadFile(in, at, size, &got, NULL) || !got) return 0;
    return 1;
}

static void CALLBACK leave(ULONG_PTR unused)
{
    (void)unused;
    say("exit ", 0);
    ExitProcess(0);
}

static DWORD WINAPI listen_to_host(void *unused)
{
    struct head head;
    struct piece *piece;

    (void)unused;
    while (read_all(&head, sizeof head) && head.length <= PIECE
           && (piece = HeapAlloc(GetProcessHeap(), 0, sizeof *piece + head.length))) {
        piece->head = head;
        if (!read_all(piece->bytes, head.length)) break;
        QueueUserAPC(hear, self, (ULONG_PTR)piece);
    }
    QueueUserAPC(leave, self, 0);
    return 0;
}

int relay(const struct request *request)
{
    in = GetStdHandle(STD_INPUT_HANDLE);
    out = GetStdHandle(STD_OUTPUT_HANDLE);
    if (!DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &self, 0, FALSE,
                         DUPLICATE_SAME_ACCESS)
        || !CreateThread(NULL, 0, listen_to_host, NULL, 0, NULL)) {
        say("failed ", GetLastError());
        return 1;
    }
    give_own_job(GetCurrentProcess(), request);
    say("started ", GetCurrentProcessId());
    for (;;) SleepEx(INFINITE, TRUE);
}

HANDLE expect_pipes(void)
{
    return CreateEventW(NULL, TRUE, FALSE, EXPECTED);
}

void await_pipes(HANDLE expected)
{
    if (!expected) return;
    WaitForSingleObject(expected, PATIENCE);
    CloseHandle(expected);
}
