// kernel.c as functions of JavaScript, and a watch that tells a listener whenever a socket has something. Built as an addon by
// build.ts; addon.ts says what each function takes and gives. https://nodejs.org/api/n-api.html
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <node_api.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

// An argument that is no number reads as -1, which is no fd; one that is no bytes reads as none.
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
