/* collector PORT [mute] - takes what is sent to it over HTTP and answers 200, for almost nothing.
 *
 * A stand-in for an OpenTelemetry collector where the cost of sending is measured: it reads bodies
 * without looking into them. `mute`: reads and never answers. A thread for each connection; senders
 * are few. Says `ready` once it listens; ends by a signal. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_SIZE = 256 * 1024, BACKLOG = 64 };

static bool is_mute;

/* What the head says of its body. */
static size_t body_size(const char *head)
{
    static const char NAME[] = "content-length:";
    for (const char *line = head; line != NULL; line = strstr(line, "\r\n")) {
        line += line == head ? 0 : 2;
        if (strncasecmp(line, NAME, sizeof NAME - 1) == 0)
            return strtoul(line + sizeof NAME - 1, NULL, 10);
    }
    return 0;
}

static bool answer(int socket)
{
    static const char YES[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                              "Content-Length: 0\r\n\r\n";
    return is_mute || send(socket, YES, sizeof YES - 1, MSG_NOSIGNAL) == (ssize_t)(sizeof YES - 1);
}

/* One request after the other: a head, then as many bytes as it said. */
static void *serve(void *argument)
{
    const int socket = (int)(intptr_t)argument;
    char *buffer = malloc(BUFFER_SIZE + 1);
    size_t size = 0; /* of what is in the buffer */
    size_t left = 0; /* of the body that is passing by */
    for (ssize_t come; buffer != NULL && size < BUFFER_SIZE &&
                       (come = recv(socket, buffer + size, BUFFER_SIZE - size, 0)) > 0;) {
        size += (size_t)come;
        for (;;) {
            const size_t passed = left < size ? left : size;
            memmove(buffer, buffer + passed, size - passed);
            size -= passed;
            left -= passed;
            buffer[size] = '\0';
            const char *end = left > 0 ? NULL : strstr(buffer, "\r\n\r\n");
            if (end == NULL)
                break;
            const size_t head = (size_t)(end + 4 - buffer);
            left = head + body_size(buffer);
            if (!answer(socket))
                left = SIZE_MAX;
        }
    }
    free(buffer);
    close(socket);
    return NULL;
}

static int listen_at(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, BACKLOG) != 0) {
        perror("collector");
        exit(1);
    }
    return listener;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: collector PORT [mute]\n");
        return 2;
    }
    const int listener = listen_at((int)strtol(argv[1], NULL, 10));
    is_mute = argc > 2 && strcmp(argv[2], "mute") == 0;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        pthread_t thread;
        const int socket = accept(listener, NULL, NULL);
        if (socket >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)socket) == 0)
            pthread_detach(thread);
    }
}
