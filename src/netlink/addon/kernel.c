// What Node cannot do by itself: sockets of netlink and of links, and opening things inside another network namespace. Every function
// takes numbers, bytes and text and returns -errno on failure; native.ts gives each its meaning. netlink(7), packet(7), setns(2)
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <node_api.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int or_errno(int result) { return result < 0 ? -errno : result; }

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

static int open_inside(int namespace, const char *path, int flags) {
  int error = enter(namespace);
  if (error < 0) return error;
  int fd = or_errno(open(path, flags | O_CLOEXEC));
  leave();
  return fd;
}

static int check_namespace(int fd) {
  int kind = ioctl(fd, NS_GET_NSTYPE);
  return kind == CLONE_NEWNET ? 0 : kind < 0 ? -errno : -EINVAL;
}

static int open_socket(int namespace, int protocol, int family, int type) {
  int error = namespace < 0 ? 0 : enter(namespace);
  if (error < 0) return error;
  int fd = or_errno(socket(family < 0 ? AF_NETLINK : family, (type < 0 ? SOCK_RAW : type) | SOCK_CLOEXEC, protocol));
  if (namespace >= 0) leave();
  return fd;
}

// The kernel picks the port. It leaves out those that would look like an errno (netlink_autobind), so either fits an int.
static int bind_socket(int fd) {
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  socklen_t size = sizeof own;
  int failed = bind(fd, (struct sockaddr *)&own, size) || getsockname(fd, (struct sockaddr *)&own, &size);
  return failed ? -errno : (int)own.nl_pid;
}

static int set_option(int fd, int level, int option, int value) {
  return or_errno(setsockopt(fd, level, option, &value, sizeof value));
}

// Any process may send to a port: only what the kernel sent counts. MSG_TRUNC gives the whole length, so nothing is cut unseen.
static int receive(int fd, void *buffer, size_t size, int timeout_ms) {
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

// A packet to or from an address has that before it, in as many bytes as the longest takes (struct sockaddr_in6). Nothing waits.
enum { ADDRESS = 28 };

static int send_to(int fd, char *packet, int size) {
  return size < 0 ? -EINVAL : or_errno((int)sendto(fd, packet + ADDRESS, size, MSG_DONTWAIT, (void *)packet, ADDRESS));
}

static int receive_from(int fd, char *packet, int size) {
  socklen_t from = ADDRESS;
  return size < 0 ? -EINVAL : or_errno((int)recvfrom(fd, packet + ADDRESS, size, MSG_DONTWAIT, (void *)packet, &from));
}

// The rest is for Node. An argument that is no number reads as -1, which is no fd; one that is no bytes reads as none.
typedef struct { napi_value value[4]; int number[4]; void *bytes; size_t size; } arguments;

static arguments read_arguments(napi_env env, napi_callback_info info) {
  arguments given = {.number = {-1, -1, -1, -1}};
  size_t count = 4;
  napi_get_cb_info(env, info, &count, given.value, NULL, NULL);
  for (int at = 0; at < 4; at++) {
    napi_get_value_int32(env, given.value[at], &given.number[at]);
    napi_get_typedarray_info(env, given.value[at], NULL, &given.size, &given.bytes, NULL, NULL);
  }
  return given;
}

static napi_value integer(napi_env env, int number) {
  napi_value value = NULL;
  napi_create_int32(env, number, &value);
  return value;
}

static int open_named(napi_env env, const arguments *given) {
  char path[PATH_MAX] = "";
  napi_get_value_string_utf8(env, given->value[1], path, sizeof path, NULL);
  return open_inside(given->number[0], path, given->number[2]);
}

// A watch is a thread that waits until a socket has something, has the listener called to take it all, and waits again.
typedef struct { napi_threadsafe_function listener; pthread_t thread; atomic_int stopping; int fd, wake; } watch;

static void *watch_run(void *data) {
  watch *self = data;
  struct pollfd sources[] = {{.fd = self->fd, .events = POLLIN}, {.fd = self->wake, .events = POLLIN}};
  for (eventfd_t count; eventfd_read(self->wake, &count) == 0 && !self->stopping;) {
    while (poll(sources, 2, -1) < 0) continue;
    if (!sources[1].revents) napi_call_threadsafe_function(self->listener, NULL, napi_tsfn_blocking);
  }
  return NULL;
}

static void watch_notify(napi_env env, napi_value listener, void *context, void *data) {
  watch *self = context;
  napi_value nothing, error;
  (void)data;
  if (!env) return; // nobody listens any more
  napi_get_undefined(env, &nothing);
  if (napi_call_function(env, nothing, listener, 0, NULL, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    napi_fatal_exception(env, error);
  eventfd_write(self->wake, 1);
}

static void watch_end(napi_env env, void *data, void *hint) {
  watch *self = data;
  (void)env, (void)hint;
  self->stopping = 1;
  eventfd_write(self->wake, 1);
  pthread_join(self->thread, NULL);
  close(self->wake);
  close(self->fd);
  free(self);
}

static napi_value watch_start(napi_env env, const arguments *given) {
  watch *self = calloc(1, sizeof *self);
  napi_value handle = NULL, name = integer(env, given->number[0]);
  if (!self) return integer(env, -ENOMEM);
  self->fd = given->number[0];
  self->wake = eventfd(0, EFD_CLOEXEC);
  int error = self->wake < 0 ? errno : pthread_create(&self->thread, NULL, watch_run, self);
  if (error) {
    close(self->wake);
    free(self);
    return integer(env, -error);
  }
  if (napi_create_threadsafe_function(env, given->value[1], NULL, name, 1, 1, self, watch_end, self, watch_notify,
                                      &self->listener) != napi_ok)
    napi_fatal_error("watch", NAPI_AUTO_LENGTH, "the listener is no function", NAPI_AUTO_LENGTH);
  eventfd_write(self->wake, 1);
  napi_create_external(env, self, NULL, NULL, &handle);
  return handle;
}

static napi_value watch_stop(napi_env env, const arguments *given) {
  watch *self = NULL;
  napi_get_value_external(env, given->value[0], (void **)&self);
  if (self) napi_release_threadsafe_function(self->listener, napi_tsfn_abort);
  return NULL;
}

#define N(at) given.number[at]
#define FUNCTIONS(X)                                                                         \
  X(openSocket, integer(env, open_socket(N(0), N(1), N(2), N(3))))                           \
  X(bind, integer(env, bind_socket(N(0))))                                                   \
  X(bindTo, integer(env, or_errno(bind(N(0), given.bytes, given.size))))                     \
  X(setOption, integer(env, set_option(N(0), N(1), N(2), N(3))))                             \
  X(setBytes, integer(env, or_errno(setsockopt(N(0), N(1), N(2), given.bytes, given.size)))) \
  X(sendTo, integer(env, send_to(N(0), given.bytes, (int)given.size - ADDRESS)))             \
  X(receiveFrom, integer(env, receive_from(N(0), given.bytes, (int)given.size - ADDRESS)))   \
  X(send, integer(env, or_errno((int)send(N(0), given.bytes, given.size, 0))))               \
  X(receive, integer(env, receive(N(0), given.bytes, given.size, N(2))))                     \
  X(watch, watch_start(env, &given))                                                         \
  X(unwatch, watch_stop(env, &given))                                                        \
  X(open, integer(env, open_named(env, &given)))                                             \
  X(checkNamespace, integer(env, check_namespace(N(0))))
#define DEFINE(name, result)                                              \
  static napi_value js_##name(napi_env env, napi_callback_info info) {    \
    arguments given = read_arguments(env, info);                          \
    return result;                                                        \
  }
#define ENTRY(name, result) {.utf8name = #name, .method = js_##name, .attributes = napi_enumerable},
FUNCTIONS(DEFINE)
NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {FUNCTIONS(ENTRY)};
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
