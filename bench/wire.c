/* See wire.h. */

#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

void fail(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(1);
}

char **tokens_in(const char *path, size_t *count)
{
    FILE *file = fopen(path, "r");
    char **tokens = NULL, *line = NULL;
    size_t room = 0;
    ssize_t size;
    if (!file)
        fail("%s: %s", path, strerror(errno));
    *count = 0;
    while ((size = getline(&line, &room, file)) > 1) {
        tokens = realloc(tokens, (*count + 1) * sizeof *tokens);
        tokens[(*count)++] = strndup(line, (size_t)size - 1);
    }
    free(line);
    fclose(file);
    if (!*count)
        fail("%s holds no token", path);
    return tokens;
}

int dial(int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int line = socket(AF_INET, SOCK_STREAM, 0), at_once = 1;
    if (line < 0 || connect(line, (struct sockaddr *)&address, sizeof address))
        fail("cannot connect to port %d: %s", port, strerror(errno));
    setsockopt(line, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    fcntl(line, F_SETFL, O_NONBLOCK);
    return line;
}

void send_all(int line, const char *data, size_t size)
{
    while (size) {
        ssize_t sent = send(line, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){line, POLLOUT, 0}, 1, 1000);
            continue;
        }
        if (sent < 0)
            fail("send: %s", strerror(errno));
        data += sent;
        size -= (size_t)sent;
    }
}

int is_answered(const char *data, size_t size, struct answer *answer)
{
    static const char length_is[] = "\r\nContent-Length: ";
    const char *end = memmem(data, size, "\r\n\r\n", 4), *length;
    if (!end)
        return 0;
    if (size < 12 || memcmp(data, "HTTP/1.1 ", 9))
        fail("not HTTP: %.40s", data);
    answer->status = atoi(data + 9);
    answer->body = end + 4;
    answer->body_size = 0;
    length = memmem(data, (size_t)(end - data), length_is, sizeof length_is - 1);
    if (length)
        answer->body_size = strtoul(length + sizeof length_is - 1, NULL, 10);
    else if (answer->status != 101)
        fail("an answer without Content-Length");
    answer->size = (size_t)(answer->body - data) + answer->body_size;
    return answer->size <= size;
}

int contains(const char *data, size_t size, const char *text)
{
    return memmem(data, size, text, strlen(text)) != NULL;
}

size_t message_request(char *to, size_t room, int room_id, const char *token,
                       const char *prefix, long number)
{
    char body[512];
    int size = snprintf(body, sizeof body,
                        "{\"body\":\"Message %s-%ld, and the kettle is on again\","
                        "\"client_message_id\":\"%s-%ld\"}",
                        prefix, number, prefix, number);
    size = snprintf(to, room,
                    "POST /rooms/%d/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    "Cookie: campfire_session=%s\r\nAccept: application/json\r\n"
                    "Content-Type: application/json\r\nContent-Length: %d\r\n"
                    "\r\n%s",
                    room_id, token, size, body);
    if (size < 0 || (size_t)size >= room)
        fail("the request is too long");
    return (size_t)size;
}

void note(struct figures *figures, uint64_t took)
{
    if (figures->count == figures->room) {
        figures->room = figures->room ? 2 * figures->room : 4096;
        figures->microseconds =
            realloc(figures->microseconds, figures->room * sizeof(uint32_t));
    }
    figures->microseconds[figures->count++] = (uint32_t)took;
}

static int by_size(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

void print_figures(const char *name, struct figures *figures)
{
    static const struct {
        const char *name;
        double share;
    } points[] = {{"p50", .5}, {"p99", .99}, {"max", 1}};
    if (!figures->count)
        return;
    qsort(figures->microseconds, figures->count, sizeof(uint32_t), by_size);
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        size_t at = (size_t)(points[i].share * (double)(figures->count - 1));
        printf(", \"%s_%s_ms\": %.3f", name, points[i].name,
               figures->microseconds[at] / 1000.);
    }
}
