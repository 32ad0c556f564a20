// The functions of kernel.c. Each gives -errno where it fails; a namespace is the fd of one, or below 0 the caller's own, and for
// open_inside a new one.
#pragma once
#include <stddef.h>

// A packet to or from an address has that before it, in as many bytes as the longest takes (struct sockaddr_in6). Nothing waits.
enum { ADDRESS = 28 };

int or_errno(int result);
int open_inside(int namespace, const char *path, int flags);
int check_namespace(int fd);
int open_socket(int namespace, int protocol, int family, int type);
int bind_socket(int fd);
int set_option(int fd, int level, int option, int value);
int receive(int fd, void *buffer, size_t size, int timeout_ms);
int send_to(int fd, char *packet, int size);
int receive_from(int fd, char *packet, int size);
