// A hostile agent for the launcher, in one process with it: reads inputs from standard input, and for each forks a launcher that calls a
// socket of ours, answers it with the input's bytes, and tells how the launcher ended, what it printed and which of its code it ran.
// launcher.c is compiled beside this with sanitizers, -Dmain=launcher_main and -fsanitize-coverage=trace-pc.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int launcher_main(int argc, char **argv);

enum { READS_REQUEST = 1, STALLS = 2, IN_PIECES = 4, SAYS_MUCH = 8, PLACES = 1 << 16, LONGEST = 1 << 20, HUNG = 0x10000 };
static uint8_t *reached; // shared with the child; one byte for each place of the launcher's code
static uint8_t input[LONGEST];

__attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc(void) {
  if (reached) reached[((uintptr_t)__builtin_return_address(0) - (uintptr_t)launcher_main) % PLACES] = 1;
}

static void must(int holds, const char *what) {
  if (holds) return;
  perror(what);
  exit(2);
}

static void read_all(int fd, void *bytes, size_t length) {
  for (size_t have = 0; have < length;) {
    ssize_t count = read(fd, (char *)bytes + have, length - have);
    if (count == 0 && have == 0) exit(0);
    must(count > 0, "read");
    have += (size_t)count;
  }
}

static void tell(const void *bytes, size_t length) { must(fwrite(bytes, 1, length, stdout) == length, "write"); }

static void tell_number(size_t number) {
  uint32_t sent = htonl((uint32_t)number);
  tell(&sent, sizeof sent);
}

static void tell_file(int fd) {
  off_t length = lseek(fd, 0, SEEK_END);
  char *bytes = malloc((size_t)length + 1);
  must(bytes && pread(fd, bytes, (size_t)length, 0) == length, "pread");
  tell_number((size_t)length);
  tell(bytes, (size_t)length);
  free(bytes);
  close(fd);
}

static void become_launcher(uint8_t mode, int out, int err) {
  int in = memfd_create("in", 0);
  size_t much = mode & SAYS_MUCH ? 100000 : 17;
  char *text = calloc(1, much);
  must(text && write(in, text, much) == (ssize_t)much && lseek(in, 0, SEEK_SET) == 0, "stdin");
  must(dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2, "dup2");
  setenv("DEADLINE_MS", mode & STALLS ? "60" : "30000", 1);
  exit(launcher_main(1, (char *[]){(char *)"/opt/cni/bin/hextet", NULL}));
}

// The whole request, or what comes of it in a while.
static void take_request(int fd, int is_much) {
  static char rest[1 << 16];
  size_t have = 0, wanted = is_much ? 100000 : 20;
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  while (have < wanted && poll(&ready, 1, 20000) > 0) {
    ssize_t count = recv(fd, rest, sizeof rest, MSG_DONTWAIT);
    if (count <= 0) return;
    have += (size_t)count;
  }
}

static void answer(int listener, uint8_t mode, size_t length, pid_t child, int *status) {
  struct pollfd ready = {.fd = listener, .events = POLLIN};
  int fd = poll(&ready, 1, 10000) > 0 ? accept(listener, NULL, NULL) : -1;
  if (mode & READS_REQUEST) take_request(fd, mode & SAYS_MUCH);
  size_t first = mode & IN_PIECES ? length / 2 : length;
  // It may have hung up already: then there is nobody to answer.
  ssize_t sent = send(fd, input, first, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0 && first < length) sent = send(fd, input + first, length - first, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (!(mode & STALLS)) close(fd);
  *status = HUNG;
  for (int waited = 0; waited < 100000 && *status == HUNG; waited++) {
    if (waitpid(child, status, WNOHANG) == 0) nanosleep(&(struct timespec){0, 500000}, NULL);
  }
  if (*status == HUNG) kill(child, SIGKILL), waitpid(child, &(int){0}, 0);
  if (mode & STALLS) close(fd);
}

int main(int argc, char **argv) {
  must(argc == 2, "usage: hostile-agent SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  must(!bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 8), "listen");
  reached = mmap(NULL, PLACES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (;;) {
    uint32_t length;
    uint8_t mode;
    int status, out = memfd_create("out", 0), err = memfd_create("err", 0);
    read_all(0, &length, sizeof length);
    length = ntohl(length);
    must(length <= LONGEST, "an input that is too long");
    read_all(0, &mode, 1);
    if (length) read_all(0, input, length);
    memset(reached, 0, PLACES);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) become_launcher(mode, out, err);
    answer(listener, mode, length, child, &status);
    tell_number((size_t)status);
    size_t count = 0;
    for (size_t at = 0; at < PLACES; at++) count += reached[at];
    tell_number(count);
    for (size_t at = 0; at < PLACES; at++) if (reached[at]) tell_number(at);
    tell_file(out);
    tell_file(err);
    fflush(stdout);
  }
}
