// Hands a call to the agent over its socket and prints the answer. The wire format and what each side owes the other:
// docs/decisions/launcher-and-runtime.md.
#define _GNU_SOURCE
#include "launcher.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SOCKET_PATH
#define SOCKET_PATH "/run/hextet/agent.sock"
#endif
#ifndef ACCEPT_MS // to connect, send the request and be told that work begins: microseconds where the agent's loop turns
#define ACCEPT_MS 1000
#endif
#define LATE_MS 1
#ifndef ANSWER_MS // from then to the answer: longer than any of our steps may take, shorter than the kubelet's 120 s
#define ANSWER_MS 60000
#endif
#define ANSWER_LIMIT (16u << 20)
#define MAGIC "HXT\1"

enum target { A_FILE, A_SOCKET };
enum { ACCEPTED = 1, ANSWER = 2 }; // DECLINED = 3, like anything else, means: not here
struct request {
  char magic[4];
  uint32_t build_id_length, program_length, environment_length, stdin_length;
};
struct reply {
  char magic[4];
  uint8_t kind, exit_code, reserved[2];
  uint32_t stdout_length, stderr_length;
};

static char buffer[64 << 10];
static size_t used;

static int put(enum target target, int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = target == A_SOCKET ? send(fd, bytes, length, MSG_NOSIGNAL) : write(fd, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return -1;
    bytes += count;
    length -= (size_t)count;
  }
  return 0;
}

// Where it fails, errno tells silence (EAGAIN) from an end that came too early (0).
static int receive_all(int fd, void *bytes, size_t length) {
  for (size_t have = 0; have < length;) {
    errno = 0;
    ssize_t count = recv(fd, (char *)bytes + have, length - have, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return -1;
    have += (size_t)count;
  }
  return 0;
}

static uint32_t append(const char *bytes, size_t length) {
  if (length <= sizeof buffer - used) memcpy(buffer + used, bytes, length);
  used += length; // past the end of the buffer where it did not fit: the caller looks once, at the end
  return (uint32_t)length;
}

// Everything of the request that comes before standard input; -1 where it is larger than any runtime makes it.
static int begin_request(const char *program) {
  struct request head = {.magic = MAGIC};
  used = sizeof head;
  head.build_id_length = htonl(append(BUILD_ID, strlen(BUILD_ID)));
  head.program_length = htonl(append(program, strlen(program)));
  uint32_t length = 0;
  for (char **variable = environ; *variable && used <= sizeof buffer; variable++)
    if (!strncmp(*variable, "CNI_", 4)) length += append(*variable, strlen(*variable) + 1);
  if (used > sizeof buffer) return -1;
  head.environment_length = htonl(length);
  memcpy(buffer, &head, sizeof head);
  return 0;
}

// Standard input is kept in memory the kernel holds, so that the runtime can still read it if no answer comes.
static int keep_input(int input, uint32_t *length) {
  char block[16 << 10];
  int spool = memfd_create("stdin", MFD_CLOEXEC);
  if (spool < 0) return -1;
  *length = 0;
  for (ssize_t count; (count = read(input, block, sizeof block)) != 0;) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1; // the runtime meets the same error and reports it
    if (put(A_FILE, spool, block, (size_t)count))
      exit(fail(TRY_AGAIN_LATER, "Cannot keep standard input", strerror(errno)));
    *length += (uint32_t)count;
  }
  return spool;
}

static int send_request(int agent, int spool, uint32_t length) {
  ((struct request *)buffer)->stdin_length = htonl(length);
  for (off_t offset = 0;;) {
    ssize_t count = pread(spool, buffer + used, sizeof buffer - used, offset);
    if (count < 0 || put(A_SOCKET, agent, buffer, used + (size_t)count)) return -1;
    offset += count;
    used = 0;
    if (offset >= length) return 0;
  }
}

static void set_deadline(int fd, int milliseconds) {
  struct timeval deadline = {milliseconds / 1000, milliseconds % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline); // connect() obeys it too
}

static int receive_reply(int agent, struct reply *reply, uint8_t kind) {
  return receive_all(agent, reply, sizeof *reply) || memcmp(reply->magic, MAGIC, 4) || reply->kind != kind ? -1 : 0;
}

// Prints a complete answer and returns its exit code; -1, and nothing printed, where there is none.
static int take_answer(int agent) {
  struct reply reply;
  if (receive_reply(agent, &reply, ANSWER)) return -1;
  size_t out = ntohl(reply.stdout_length), err = ntohl(reply.stderr_length);
  if (out > ANSWER_LIMIT || err > ANSWER_LIMIT) return -1;
  char *answer = mmap(NULL, out + err + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (answer == MAP_FAILED || receive_all(agent, answer, out + err)) return -1;
  put(A_FILE, STDERR_FILENO, answer + out, err);
  return put(A_FILE, STDOUT_FILENO, answer, out) ? 1 : reply.exit_code;
}

// On a busy machine we go on long after the wait was over, and the acceptance may have come since.
static int receive_late(int agent, struct reply *reply) {
  set_deadline(agent, LATE_MS);
  return receive_reply(agent, reply, ACCEPTED);
}

// After shutdown() the agent's acceptance either is here already or can no longer be sent: never do both sides begin.
static void give_up(int agent) {
  char byte;
  shutdown(agent, SHUT_RD);
  if (recv(agent, &byte, 1, MSG_DONTWAIT) > 0)
    exit(fail(TRY_AGAIN_LATER, "Cannot hear the agent's answer", "it accepted in the moment we gave up waiting"));
}

int ask_agent(const char *program, int input) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = getenv("HEXTET_SOCKET") ? getenv("HEXTET_SOCKET") : SOCKET_PATH;
  if (strlen(path) >= sizeof address.sun_path || begin_request(program)) return -1;
  strcpy(address.sun_path, path);
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) return -1; // or the socket would take the place of standard input
  int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  set_deadline(agent, ACCEPT_MS);
  if (agent < 0 || connect(agent, (struct sockaddr *)&address, sizeof address)) return -1;
  uint32_t length;
  struct reply reply;
  int spool = keep_input(input, &length), code = -1;
  if (spool < 0) return -1;
  if (send_request(agent, spool, length) ||
      (receive_reply(agent, &reply, ACCEPTED) && (errno != EAGAIN || receive_late(agent, &reply)))) {
    if (errno == EAGAIN) give_up(agent);
  } else {
    set_deadline(agent, ANSWER_MS);
    code = take_answer(agent);
  }
  if (code < 0 && length > 0 && (lseek(spool, 0, SEEK_SET) < 0 || dup2(spool, STDIN_FILENO) < 0))
    return fail(INTERNAL, "Cannot hand standard input to the runtime", strerror(errno));
  return code;
}
