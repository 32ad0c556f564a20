// What Node cannot do by itself: sockets of netlink and of links, and opening things inside another network namespace. Every function
// takes numbers, bytes and text and returns -errno on failure; native.ts gives each its meaning. netlink(7), packet(7), setns(2)
#define _GNU_SOURCE
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int or_errno(int result) { return result < 0 ? -errno : result; }

static _Thread_local int home = -1; // the thread's own namespace, opened when it is first left

// Moves the calling thread into a namespace, a new one where none is given.
static int enter(int namespace) {
  if (home < 0) home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (home < 0) return -errno;
  return or_errno(namespace < 0 ? unshare(CLONE_NEWNET) : setns(namespace, CLONE_NEWNET));
}

// A thread left behind in a pod's namespace would take the pod for the node from then on.
static void leave(void) {
  if (setns(home, CLONE_NEWNET)) {
    perror("Cannot return to the own network namespace");
    abort();
  }
}

int open_inside(int namespace, const char *path, int flags) {
  int error = enter(namespace);
  if (error < 0) return error;
  int fd = or_errno(open(path, flags | O_CLOEXEC));
  leave();
  return fd;
}

int check_namespace(int fd) {
  int kind = ioctl(fd, NS_GET_NSTYPE);
  return kind == CLONE_NEWNET ? 0 : kind < 0 ? -errno : -EINVAL;
}

int open_socket(int namespace, int protocol, int family, int type) {
  int error = namespace < 0 ? 0 : enter(namespace);
  if (error < 0) return error;
  int fd = or_errno(socket(family < 0 ? AF_NETLINK : family, (type < 0 ? SOCK_RAW : type) | SOCK_CLOEXEC, protocol));
  if (namespace >= 0) leave();
  return fd;
}

// The kernel picks the port. It leaves out those that would look like an errno (netlink_autobind), so either fits an int.
int bind_socket(int fd) {
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  socklen_t size = sizeof own;
  int failed = bind(fd, (struct sockaddr *)&own, size) || getsockname(fd, (struct sockaddr *)&own, &size);
  return failed ? -errno : (int)own.nl_pid;
}

int set_option(int fd, int level, int option, int value) {
  return or_errno(setsockopt(fd, level, option, &value, sizeof value));
}

// Any process may send to a port: only what the kernel sent counts. MSG_TRUNC gives the whole length, so nothing is cut unseen.
int receive(int fd, void *buffer, size_t size, int timeout_ms) {
  for (;;) {
    struct sockaddr_nl from = {.nl_pid = 0};
    socklen_t from_size = sizeof from;
    ssize_t length = recvfrom(fd, buffer, size, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &from_size);
    if (length >= 0 && from.nl_pid == 0) return (size_t)length > size ? -EMSGSIZE : (int)length;
    if (length >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN || timeout_ms == 0) return -errno;
    if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, timeout_ms) == 0) return -ETIMEDOUT;
  }
}

int send_to(int fd, char *packet, int size) {
  return size < 0 ? -EINVAL : or_errno((int)sendto(fd, packet + ADDRESS, size, MSG_DONTWAIT, (void *)packet, ADDRESS));
}

int receive_from(int fd, char *packet, int size) {
  socklen_t from = ADDRESS;
  return size < 0 ? -EINVAL : or_errno((int)recvfrom(fd, packet + ADDRESS, size, MSG_DONTWAIT, (void *)packet, &from));
}
