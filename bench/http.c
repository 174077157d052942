/* Clients of HTTP: each keeps one connection and asks again when it has its answer.
 *
 * With -g it reads a page. Each answer must be the bytes of the client's first one;
 * or, while -r messages a second are posted with -m, it must be whole, hold -n messages
 * and the newest one that was acknowledged before it was asked for; or, with -v, be
 * whole, because somebody else posts. With -o each client asks once, with -h for a
 * fragment. With -m alone every client posts as fast as it is answered. */

#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST = 2048, ANSWER = 1 << 20, MOST_CLIENTS = 256, ID = 96 };
enum { PATIENCE = 30000000 /* microseconds */ };

struct client {
    int line, is_poster, is_waiting;
    const char *token;
    char *got;
    size_t size;
    uint64_t asked, next;
    char id[ID];       /* of the message being posted, or of the newest one due */
    char *first;       /* the body that every later one must equal */
    size_t first_size;
};

static struct client clients[MOST_CLIENTS];
static const char *page, *prefix = "bench", *accept_type = "text/html";
static int room_id, messages_a_page, may_vary, asks_once, is_fragment;
static double posts_a_second, pages_a_second;
static long posted, acknowledged, answered, warmed, body_bytes;
static char newest[ID];
static struct figures page_times, post_times;

static void ask(struct client *client)
{
    char request[REQUEST];
    size_t size;
    if (client->is_poster) {
        size = message_request(request, sizeof request, room_id, client->token,
                               prefix, posted);
        snprintf(client->id, sizeof client->id, "\"client_message_id\":\"%s-%ld\"",
                 prefix, posted++);
    } else {
        int written = snprintf(request, sizeof request,
                               "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                               "Cookie: campfire_session=%s; last_room=%d\r\n"
                               "Accept: %s\r\n%s\r\n",
                               page, client->token, room_id, accept_type,
                               is_fragment ? "HX-Request: true\r\n" : "");
        size = (size_t)written;
        strcpy(client->id, newest);
    }
    client->is_waiting = 1;
    client->asked = now();
    send_all(client->line, request, size);
}

static int count_of(const char *text, const char *data, size_t size)
{
    int count = 0;
    const char *end = data + size;
    while ((data = memmem(data, (size_t)(end - data), text, strlen(text)))) {
        data += strlen(text);
        count++;
    }
    return count;
}

static void check_page(struct client *client, const struct answer *answer)
{
    static const char last[] = "</html>";
    if (answer->status != 200)
        fail("a page was answered with %d", answer->status);
    body_bytes = (long)answer->body_size;
    if (client->first && client->first_size == answer->body_size &&
        !memcmp(client->first, answer->body, answer->body_size)) {
        if (!contains(answer->body, answer->body_size, client->id))
            fail("a page without %s", client->id);
        return;
    }
    if (client->first && !posts_a_second && !may_vary)
        fail("a page that differs from the first one");
    if (!contains(answer->body, answer->body_size, last) && messages_a_page)
        fail("a page that is not whole");
    if (count_of("data-message-id=", answer->body, answer->body_size) !=
        messages_a_page)
        fail("a page with another number of messages");
    if (!contains(answer->body, answer->body_size, client->id))
        fail("a page without %s", client->id);
    client->first = realloc(client->first, answer->body_size);
    memcpy(client->first, answer->body, answer->body_size);
    client->first_size = answer->body_size;
}

static void check_post(struct client *client, const struct answer *answer)
{
    if (answer->status != 201)
        fail("a message was answered with %d", answer->status);
    if (!contains(answer->body, answer->body_size, client->id))
        fail("an answer without %s", client->id);
    acknowledged++;
    snprintf(newest, sizeof newest, "id=\"message_%s", strrchr(client->id, ':') + 2);
}

/* Answers whether the client has its whole answer now. */
static int receive(struct client *client)
{
    struct answer answer;
    for (;;) {
        ssize_t size = recv(client->line, client->got + client->size,
                            ANSWER - client->size, 0);
        if (size < 0 && errno == EAGAIN)
            return 0;
        if (size <= 0)
            fail("the server hung up");
        client->size += (size_t)size;
        if (!is_answered(client->got, client->size, &answer))
            continue;
        if (answer.size != client->size)
            fail("more than was asked for");
        uint64_t took = now() - client->asked;
        client->size = 0;
        client->is_waiting = 0;
        if (client->is_poster) {
            check_post(client, &answer);
            note(&post_times, took);
        } else {
            check_page(client, &answer);
            note(&page_times, took);
            answered++;
        }
        return 1;
    }
}

static void usage(void)
{
    fail("http -p PORT -t TOKENS [-c CLIENTS] [-s SECONDS] [-w WARM_UP_SECONDS]\n"
         "     [-g PAGE [-n MESSAGES] [-f PAGES_A_SECOND] [-v] [-o]\n"
         "      [-a ACCEPTED_TYPE] [-h]]\n"
         "     [-m ROOM [-r MESSAGES_A_SECOND] [-x PREFIX]]");
}

int main(int count, char **arguments)
{
    int port = 0, option, line = epoll_create1(0);
    size_t readers = 16, people, all;
    double seconds = 10, warm_up = 1;
    char **tokens = NULL;
    while ((option = getopt(count, arguments, "p:t:c:s:w:g:n:f:m:r:x:voa:h")) != -1)
        switch (option) {
        case 'p': port = atoi(optarg); break;
        case 't': tokens = tokens_in(optarg, &people); break;
        case 'c': readers = strtoul(optarg, NULL, 10); break;
        case 's': seconds = atof(optarg); break;
        case 'w': warm_up = atof(optarg); break;
        case 'g': page = optarg; break;
        case 'n': messages_a_page = atoi(optarg); break;
        case 'f': pages_a_second = atof(optarg); break;
        case 'm': room_id = atoi(optarg); break;
        case 'r': posts_a_second = atof(optarg); break;
        case 'x': prefix = optarg; break;
        case 'v': may_vary = 1; break;
        case 'o': asks_once = 1; break;
        case 'a': accept_type = optarg; break;
        case 'h': is_fragment = 1; break;
        default: usage();
        }
    if (!port || !tokens || !(page || room_id) || readers >= MOST_CLIENTS)
        usage();
    all = readers + (posts_a_second > 0);
    for (size_t i = 0; i < all; i++) {
        struct client *client = &clients[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
        client->is_poster = !page || i >= readers;
        client->token = tokens[i % people];
        client->got = malloc(ANSWER);
        client->line = dial(port);
        epoll_ctl(line, EPOLL_CTL_ADD, client->line, &event);
    }
    uint64_t start = now(), measured_from = start + (uint64_t)(warm_up * 1e6);
    uint64_t end = measured_from + (uint64_t)(seconds * 1e6), time;
    int is_warm = 0;
    size_t waiting = 0;
    while (((time = now()) < end && !(asks_once && answered == (long)readers)) ||
           waiting) {
        struct epoll_event events[MOST_CLIENTS];
        if (!is_warm && time >= measured_from) {
            is_warm = 1;
            warmed = answered;
            answered = 0;
            page_times.count = post_times.count = 0;
            measured_from = time;
        }
        for (size_t i = 0; i < all && time < end; i++) {
            struct client *client = &clients[i];
            double rate = !client->is_poster ? pages_a_second / (double)readers
                                             : posts_a_second;
            if (client->is_waiting || (rate > 0 && time < client->next) ||
                (asks_once && client->first))
                continue;
            if (rate > 0)
                client->next = (client->next ? client->next : time) +
                               (uint64_t)(1e6 / rate);
            ask(client);
            waiting++;
        }
        int ready = epoll_wait(line, events, MOST_CLIENTS, 1);
        if (time > end + PATIENCE)
            fail("%zu requests were never answered", waiting);
        for (int i = 0; i < ready; i++)
            waiting -= (size_t)receive(events[i].data.ptr);
    }
    double took = (double)(now() - measured_from) / 1e6;
    printf("{\"seconds\": %.3f, \"acknowledged\": %ld", took, acknowledged);
    if (page)
        printf(", \"pages\": %ld, \"warmed\": %ld, \"pages_a_second\": %.1f"
               ", \"body_bytes\": %ld",
               answered, warmed, (double)answered / took, body_bytes);
    if (!page)
        printf(", \"posts_a_second\": %.1f", (double)post_times.count / took);
    print_figures("page", &page_times);
    print_figures("post", &post_times);
    printf("}\n");
    return 0;
}
