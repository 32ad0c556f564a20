// The program behind every name of Hextet: a CNI call, and the question whether the node is ready, go to the agent and its answer is
// printed; everything else, and what the agent does not answer, executes the standalone runtime beside this file (../lib).
// Why it is so: docs/decisions/launcher-and-runtime.md.
#define _GNU_SOURCE
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HEXTET_OPTIONS // for V8, where the bundle is hextet
#define HEXTET_OPTIONS ""
#endif

static void print_escaped(const char *text) {
  for (; *text; text++) putchar(*text == '"' || *text == '\\' || (unsigned char)*text < ' ' ? '?' : *text);
}

// A runtime reads the error on standard output, a person on standard error.
int fail(int code, const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  if (!getenv("CNI_COMMAND")) return 1;
  printf("{\"cniVersion\":\"1.1.0\",\"code\":%d,\"msg\":\"", code);
  print_escaped(what);
  printf(": ");
  print_escaped(why);
  printf("\"}\n");
  return 1;
}

// What a host sets for its own programs must not reach into a runtime that brings its own loader, libraries and Node.
static void clean_environment(void) {
  char **kept = environ;
  for (char **variable = environ; *variable; variable++)
    if (strncmp(*variable, "NODE_", 5) && strncmp(*variable, "LD_PRELOAD=", 11) && strncmp(*variable, "LD_AUDIT=", 9))
      *kept++ = *variable;
  *kept = NULL;
}

// V8's options come last, and are there even when there are none: of several such arguments the last one counts.
static int run_runtime(const char *bundle, int argc, char **argv) {
  static char directory[PATH_MAX], loader[PATH_MAX], runtime[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 64);
  if (length < 0) return fail(INTERNAL, "Cannot find the runtime through /proc/self/exe", strerror(errno));
  for (int cut = 0; cut < 2 && length > 0; length--) cut += directory[length - 1] == '/'; // "…/bin/hextet" -> "…"
  strcpy(directory + length, "/lib");
  snprintf(loader, sizeof loader, "%.4000s/%s", directory, LOADER);
  snprintf(runtime, sizeof runtime, "%.4000s/runtime", directory);
  char *arguments[argc + 8];
  int count = 0;
  const char *fixed[] = {loader, "--inhibit-cache", "--library-path", directory, runtime, bundle};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) arguments[count++] = (char *)fixed[i];
  for (int i = 0; i < argc; i++) arguments[count++] = argv[i];
  arguments[count++] = strcmp(bundle, "hextet") ? "--node-options=" : "--node-options=" HEXTET_OPTIONS;
  arguments[count] = NULL;
  clean_environment();
  execv(loader, arguments);
  fprintf(stderr, "Install Hextet again (hextetctl install): its runtime is incomplete or not for this machine\n");
  return fail(INTERNAL, loader, strerror(errno));
}

static int is(const char *one, const char *other) { return !strcmp(one, other); }

int main(int argc, char **argv) {
  if (argc < 1) return fail(INTERNAL, "Cannot tell which program to be", "there is no argv[0]");
  const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
  int is_plugin = is(program, "hextet") || is(program, "hextet-ipam") || is(program, "loopback");
  int is_tool = is(program, "hextetctl"), code = -1;
  if (!is_plugin && !is_tool && !is(program, "hextet-agent"))
    return fail(INTERNAL, program, "no program of Hextet; call hextet, hextet-ipam, loopback, hextetctl or hextet-agent");
  if (is_plugin && getenv("CNI_COMMAND")) code = ask_agent(program, STDIN_FILENO);
  // The kubelet asks this every few seconds of a node's life: too often to start Node for it.
  if (is_tool && argc == 2 && is(argv[1], "ready"))
    code = ask_agent("hextetctl ready", open("/dev/null", O_RDONLY | O_CLOEXEC));
  return code >= 0 ? code : run_runtime(is_plugin ? "hextet" : program, argc, argv);
}
