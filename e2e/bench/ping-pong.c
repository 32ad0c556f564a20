// Round trips of one byte over TCP, timed where the kernel's clock is read with the least around it.
//
//   ping-pong serve PORT                       answers every byte with itself, for ever
//   ping-pong ask ADDRESS PORT TRIPS BEGINNINGS  prints `trip NANOSECONDS` for each round trip on one connection, then `first
//                                                NANOSECONDS` for each connection made, asked once and torn down
//
// Both ends stay on one processor: whether the scheduler wakes an end on this one or on an idle other one, which takes longer than all
// the packet's way, says nothing of that way.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int die(const char *what) {
    fprintf(stderr, "ping-pong: %s: %s\n", what, strerror(errno));
    exit(1);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void at_once(int fd) {
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) die("TCP_NODELAY");
}

static void stay_on_first_processor(void) {
    cpu_set_t allowed, first;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) die("sched_getaffinity");
    int at = 0;
    while (!CPU_ISSET(at, &allowed)) at++;
    CPU_ZERO(&first);
    CPU_SET(at, &first);
    if (sched_setaffinity(0, sizeof first, &first)) die("sched_setaffinity");
}

static void serve(int port) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int off = 0, on = 1, listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off)) die("IPV6_V6ONLY");
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) die("SO_REUSEADDR");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64)) die("listen");
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) die("accept");
        at_once(fd);
        for (char byte; read(fd, &byte, 1) == 1;)
            if (write(fd, &byte, 1) != 1) break;
        close(fd);
    }
}

static int connected(const struct sockaddr *address, socklen_t length) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, address, length)) die("connect");
    at_once(fd);
    return fd;
}

static void ask_once(int fd) {
    char byte = 'x';
    if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) die("no answer");
}

static void ask(const struct sockaddr *address, socklen_t length, int trips, int beginnings) {
    int fd = connected(address, length);
    for (int at = 0; at < trips; at++) {
        long long start = now();
        ask_once(fd);
        printf("trip %lld\n", now() - start);
    }
    close(fd);
    struct linger reset = {.l_onoff = 1}; // no port stays behind in TIME_WAIT
    for (int at = 0; at < beginnings; at++) {
        long long start = now();
        int one = connected(address, length);
        ask_once(one);
        printf("first %lld\n", now() - start);
        if (setsockopt(one, SOL_SOCKET, SO_LINGER, &reset, sizeof reset)) die("SO_LINGER");
        close(one);
    }
}

int main(int argc, char **argv) {
    stay_on_first_processor();
    if (argc == 3 && !strcmp(argv[1], "serve")) serve(atoi(argv[2]));
    if (argc != 6 || strcmp(argv[1], "ask")) {
        fprintf(stderr, "ping-pong serve PORT | ask ADDRESS PORT TRIPS BEGINNINGS\n");
        return 2;
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[3]))};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
    int trips = atoi(argv[4]), beginnings = atoi(argv[5]);
    if (inet_pton(AF_INET6, argv[2], &v6.sin6_addr) == 1) ask((struct sockaddr *)&v6, sizeof v6, trips, beginnings);
    else if (inet_pton(AF_INET, argv[2], &v4.sin_addr) == 1) ask((struct sockaddr *)&v4, sizeof v4, trips, beginnings);
    else die(argv[2]);
    return 0;
}
