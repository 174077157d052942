/* What both load generators share: the clock, connections to a server on this
 * machine, requests, whole answers, and figures in the end. Anything that is not as
 * it must be ends the program: a measurement with a wrong answer in it is none. */

#ifndef WIRE_H
#define WIRE_H

#include <stddef.h>
#include <stdint.h>

struct answer {
    int status;
    const char *body;
    size_t body_size;
    size_t size; /* head and body together */
};

struct figures {
    uint32_t *microseconds;
    size_t count, room;
};

uint64_t now(void); /* microseconds */

_Noreturn void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* The tokens in a file, one a line. */
char **tokens_in(const char *path, size_t *count);

/* A connection to 127.0.0.1 that does not block from here on. */
int dial(int port);

/* Writes all of it; requests are small enough for a socket that is being read. */
void send_all(int line, const char *data, size_t size);

/* Whether a whole answer stands at the start of `data`. */
int is_answered(const char *data, size_t size, struct answer *answer);

int contains(const char *data, size_t size, const char *text);

/* A POST of one message whose words and id follow from `prefix` and `number`. */
size_t message_request(char *to, size_t room, int room_id, const char *token,
                       const char *prefix, long number);

void note(struct figures *figures, uint64_t took);

/* Prints `"NAME_p50_ms": …` and so on, as members of a JSON object. */
void print_figures(const char *name, struct figures *figures);

#endif
