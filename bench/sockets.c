/* Many WebSockets in one room, and clients that post into it over HTTP.
 *
 * A message is complete when every socket has it. Each socket must get each `seq` of
 * the room once and in order, byte for byte what the first one got, and that must hold
 * what was posted. -q clients post as fast as they are answered, or all together -r
 * messages a second. -d offers compression as a browser does; the first copy of each
 * frame is then inflated and checked, the others are compared with it. With -i nobody
 * posts: "ready" is printed when all are in, and the end of standard input ends it. */

#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum {
    REQUEST = 2048,
    BATCH = 1 << 20,
    TEXT = 1 << 20,
    MOST_POSTERS = 64,
    AT_ONCE = 256,
    OPENED_AT_ONCE = 32,
    PATIENCE = 30000000, /* microseconds */
};
enum { UPGRADING, ENTERING, LIVE };

struct end {
    int line, state;
    const char *token;
    char *kept; /* the beginning of what has not wholly arrived */
    size_t size;
    long seq;                /* sockets: the last one received */
    int is_poster, is_waiting;
    uint64_t asked;
    char id[96];
};

struct message {
    char *frame;
    size_t size, receivers;
    uint64_t posted;
};

static struct end *sockets, posters[MOST_POSTERS];
static size_t socket_count = 1000, poster_count = 4, live;
static int room_id = 1, offers_deflate, poll_set;
static const char *prefix = "fan";
static double rate;
static uint64_t next_post;
static struct message *messages; /* from first_seq on */
static long first_seq = -1, newest_seq, posted, acknowledged, complete, deliveries;
static long others, frame_bytes;
static uint64_t *posted_at, last_complete;
static size_t message_room, posted_room;
static char batch[BATCH], text[TEXT];
static z_stream inflater;
static struct figures delays, answers;

static void send_frame(struct end *end, unsigned opcode, const char *data,
                       size_t size)
{
    char frame[1024] = {(char)(0x80 | opcode)};
    size_t head = 2;
    if (size < 126) {
        frame[1] = (char)(0x80 | size);
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(size >> 8);
        frame[3] = (char)size;
        head = 4;
    }
    head += 4; /* a mask of zeros changes nothing */
    if (head + size > sizeof frame)
        fail("a frame that is too long to send");
    memcpy(frame + head, data, size);
    send_all(end->line, frame, head + size);
}

static size_t inflated(const char *data, size_t size)
{
    static const char tail[] = "\0\0\xff\xff"; /* what RFC 7692 leaves out */
    static char in[BATCH + 4];
    memcpy(in, data, size);
    memcpy(in + size, tail, 4);
    inflateReset(&inflater);
    inflater.next_in = (Bytef *)in;
    inflater.avail_in = (uInt)(size + 4);
    inflater.next_out = (Bytef *)text;
    inflater.avail_out = TEXT - 1;
    if (inflate(&inflater, Z_SYNC_FLUSH) != Z_OK || inflater.avail_in)
        fail("a frame that cannot be inflated");
    return TEXT - 1 - inflater.avail_out;
}

static struct message *message_of(long seq)
{
    size_t at = (size_t)(seq - first_seq - 1);
    while (at >= message_room) {
        size_t room = message_room ? 2 * message_room : 4096;
        messages = realloc(messages, room * sizeof *messages);
        memset(messages + message_room, 0,
               (room - message_room) * sizeof *messages);
        message_room = room;
    }
    return &messages[at];
}

static void count(struct end *end, struct message *message)
{
    end->seq++;
    deliveries++;
    if (++message->receivers == socket_count) {
        last_complete = now();
        note(&delays, last_complete - message->posted);
        complete++;
        free(message->frame);
        message->frame = NULL;
    }
}

static long number_after(const char *name)
{
    const char *at = strstr(text, name);
    if (!at)
        fail("no %s in %.200s", name, text);
    return atol(at + strlen(name));
}

static void hear_first(struct end *end, const char *frame, size_t size)
{
    struct message *message = message_of(end->seq + 1);
    char id[96];
    if (message->frame || message->receivers)
        fail("two sockets heard different things: %.200s", text);
    if (number_after("\"seq\":") != end->seq + 1)
        fail("seq %ld came after %ld", number_after("\"seq\":"), end->seq);
    snprintf(id, sizeof id, "\"client_message_id\":\"%s-", prefix);
    long number = number_after(id);
    if (number < 0 || number >= posted)
        fail("message %ld was not posted", number);
    snprintf(id, sizeof id, "Message %s-%ld, and the kettle is on again", prefix,
             number);
    if (!strstr(text, id))
        fail("other words than were posted: %.200s", text);
    message->posted = posted_at[number];
    message->frame = malloc(size);
    message->size = size;
    frame_bytes = (long)size;
    memcpy(message->frame, frame, size);
    newest_seq = end->seq + 1;
    count(end, message);
}

static void hear(struct end *end, const char *frame, size_t head, size_t size)
{
    unsigned opcode = frame[0] & 0x0f;
    const char *data = frame + head;
    size_t length = size - head;
    if (opcode == 9) {
        send_frame(end, 10, data, length);
        return;
    }
    if (opcode == 8)
        fail("a socket was closed with %d", length < 2 ? 0
             : (unsigned char)data[0] << 8 | (unsigned char)data[1]);
    if (opcode != 1)
        return;
    if (frame[0] & 0x40) {
        length = inflated(data, length);
    } else {
        if (length >= TEXT)
            fail("a frame that is too long");
        memcpy(text, data, length);
    }
    text[length] = 0;
    if (strstr(text, "\"event\":\"message.posted\"")) {
        hear_first(end, frame, size);
    } else if (strstr(text, "\"event\":\"room.entered\"")) {
        end->seq = number_after("\"seq\":");
        end->state = LIVE;
        live++;
        if (first_seq < 0)
            first_seq = newest_seq = end->seq;
        if (end->seq != first_seq)
            fail("the room changed while sockets entered");
    } else if (strstr(text, "\"event\":\"welcome\"")) {
        char command[96];
        int length = snprintf(command, sizeof command,
                              "{\"command\":\"room.enter\",\"room_id\":%d}", room_id);
        send_frame(end, 1, command, (size_t)length);
    } else if (strstr(text, "\"event\":\"command.refused\"")) {
        fail("refused: %.200s", text);
    } else {
        others++;
    }
}

/* Takes whole frames off the start of `data`; answers how many bytes they were. */
static size_t frames_in(struct end *end, const char *data, size_t size)
{
    size_t taken = 0;
    for (;;) {
        const unsigned char *frame = (const unsigned char *)data + taken;
        size_t left = size - taken, head = 2, length;
        if (end->state == LIVE && end->seq < newest_seq) {
            struct message *message = message_of(end->seq + 1);
            if (left >= message->size &&
                !memcmp(frame, message->frame, message->size)) {
                taken += message->size;
                count(end, message);
                continue;
            }
        }
        if (left < 2)
            return taken;
        length = frame[1];
        if (length == 126)
            head = 4;
        else if (length == 127)
            head = 10;
        if (left < head)
            return taken;
        if (head > 2) {
            length = 0;
            for (size_t i = 2; i < head; i++)
                length = length << 8 | frame[i];
        }
        if (head + length > BATCH)
            fail("a frame that is too long");
        if (left < head + length)
            return taken;
        hear(end, data + taken, head, head + length);
        taken += head + length;
    }
}

static void upgrade(struct end *end)
{
    char request[REQUEST];
    int size = snprintf(
        request, sizeof request,
        "GET /socket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Cookie: campfire_session=%s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: Y2FtcGZpcmUgYmVuY2ghIQ==\r\n"
        "Sec-WebSocket-Protocol: campfire.json\r\n%s\r\n",
        end->token,
        offers_deflate ? "Sec-WebSocket-Extensions: permessage-deflate; "
                         "client_max_window_bits\r\n"
                       : "");
    end->state = UPGRADING;
    send_all(end->line, request, (size_t)size);
}

static void post(struct end *end)
{
    char request[REQUEST];
    size_t size = message_request(request, sizeof request, room_id, end->token,
                                  prefix, posted);
    if ((size_t)posted == posted_room) {
        posted_room = posted_room ? 2 * posted_room : 4096;
        posted_at = realloc(posted_at, posted_room * sizeof *posted_at);
    }
    snprintf(end->id, sizeof end->id, "\"client_message_id\":\"%s-%ld\"", prefix,
             posted);
    end->asked = posted_at[posted++] = now();
    end->is_waiting = 1;
    send_all(end->line, request, size);
}

static size_t answer_in(struct end *end, const char *data, size_t size)
{
    struct answer answer;
    if (!is_answered(data, size, &answer))
        return 0;
    if (!end->is_poster) {
        if (answer.status != 101 ||
            contains(data, answer.size, "permessage-deflate") != offers_deflate)
            fail("a socket was answered with %d", answer.status);
        end->state = ENTERING;
    } else {
        if (answer.status != 201 || !contains(answer.body, answer.body_size, end->id))
            fail("a message was answered with %d", answer.status);
        end->is_waiting = 0;
        acknowledged++;
        note(&answers, now() - end->asked);
    }
    return answer.size;
}

static void receive(struct end *end)
{
    size_t size = end->size, taken = 0;
    memcpy(batch, end->kept, size);
    ssize_t got = recv(end->line, batch + size, BATCH - size, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        fail("the server hung up");
    size += (size_t)got;
    if (end->is_poster || end->state == UPGRADING)
        taken = answer_in(end, batch, size);
    if (!end->is_poster && end->state > UPGRADING)
        taken += frames_in(end, batch + taken, size - taken);
    end->size = size - taken;
    end->kept = realloc(end->kept, end->size + 1);
    memcpy(end->kept, batch + taken, end->size);
}

static void turn(int wait)
{
    struct epoll_event events[AT_ONCE];
    int ready = epoll_wait(poll_set, events, AT_ONCE, wait);
    for (int i = 0; i < ready; i++)
        receive(events[i].data.ptr);
}

static void open_end(struct end *end, int port, const char *token)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    end->token = token;
    end->line = dial(port);
    end->kept = malloc(1);
    epoll_ctl(poll_set, EPOLL_CTL_ADD, end->line, &event);
}

static void enter_all(int port, char **tokens, size_t people)
{
    uint64_t limit = now() + PATIENCE;
    size_t opened = 0;
    sockets = calloc(socket_count, sizeof *sockets);
    while (live < socket_count) {
        while (opened < socket_count && opened < live + OPENED_AT_ONCE) {
            open_end(&sockets[opened], port, tokens[opened % people]);
            upgrade(&sockets[opened++]);
        }
        turn(100);
        if (now() > limit)
            fail("only %zu sockets entered", live);
    }
}

/* What the arrivals told each other has been said when this long nothing came. */
static void settle(void)
{
    struct epoll_event events[AT_ONCE];
    int ready;
    while ((ready = epoll_wait(poll_set, events, AT_ONCE, 500)) > 0)
        for (int i = 0; i < ready; i++)
            receive(events[i].data.ptr);
}

static void idle(void)
{
    struct pollfd input = {0, POLLIN, 0};
    puts("ready");
    fflush(stdout);
    while (!poll(&input, 1, 0))
        turn(100);
}

static void talk(double seconds)
{
    uint64_t start = now(), end = start + (uint64_t)(seconds * 1e6), time;
    uint64_t limit = end + PATIENCE;
    while ((time = now()) < end || acknowledged < posted || complete < posted) {
        if (time > limit)
            fail("%ld of %ld messages became complete", complete, posted);
        for (size_t i = 0; i < poster_count && time < end; i++) {
            if (posters[i].is_waiting || (rate > 0 && time < next_post))
                continue;
            if (rate > 0)
                next_post = (next_post ? next_post : time) + (uint64_t)(1e6 / rate);
            post(&posters[i]);
        }
        turn(1);
    }
    double took = (double)(last_complete - start) / 1e6;
    printf("{\"seconds\": %.3f, \"acknowledged\": %ld, \"complete\": %ld, "
           "\"complete_a_second\": %.1f, \"deliveries_a_second\": %.0f, "
           "\"others\": %ld, \"frame_bytes\": %ld",
           took, acknowledged, complete, (double)complete / took,
           (double)deliveries / took, others, frame_bytes);
    print_figures("delay", &delays);
    print_figures("post", &answers);
    printf("}\n");
}

int main(int count, char **arguments)
{
    int port = 0, option, is_idle = 0;
    size_t people;
    double seconds = 10;
    char **tokens = NULL;
    while ((option = getopt(count, arguments, "p:t:n:m:q:s:r:x:di")) != -1)
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 't': tokens = tokens_in(optarg, &people); break;
        case 'n': socket_count = strtoul(optarg, NULL, 10); break;
        case 'm': room_id = atoi(optarg); break;
        case 'q': poster_count = strtoul(optarg, NULL, 10); break;
        case 's': seconds = atof(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'x': prefix = optarg; break;
        case 'd': offers_deflate = 1; break;
        case 'i': is_idle = 1; break;
        default: port = 0;
        }
    if (!port || !tokens || poster_count > MOST_POSTERS)
        fail("sockets -p PORT -t TOKENS [-n SOCKETS] [-m ROOM] [-q POSTERS]\n"
             "        [-s SECONDS] [-r MESSAGES_A_SECOND] [-x PREFIX] [-d] [-i]");
    poll_set = epoll_create1(0);
    inflateInit2(&inflater, -15);
    enter_all(port, tokens, people);
    settle();
    if (is_idle) {
        idle();
        return 0;
    }
    for (size_t i = 0; i < poster_count; i++) {
        posters[i].is_poster = 1;
        open_end(&posters[i], port, tokens[i % people]);
    }
    talk(seconds);
    return 0;
}
