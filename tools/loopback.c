/* tools/loopback.c - preloaded into a server that has no option for its address, keeps it on
 * loopback: what would listen on every interface listens at 127.0.0.1.
 *
 * Used by tools/dynamodb. IPv4 only: the server is told to use nothing else. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

typedef int bind_function(int socket, const struct sockaddr *address, socklen_t length);

int bind(int socket, const struct sockaddr *address, socklen_t length)
{
    static bind_function *real;
    if (real == NULL)
        real = (bind_function *)dlsym(RTLD_NEXT, "bind");
    const struct sockaddr_in *const wanted = (const struct sockaddr_in *)(const void *)address;
    if (address->sa_family != AF_INET || wanted->sin_addr.s_addr != htonl(INADDR_ANY))
        return real(socket, address, length);
    struct sockaddr_in loopback = *wanted;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return real(socket, (const struct sockaddr *)&loopback, sizeof loopback);
}
