// Runs a list of CNI plugins as a container runtime does, so that a chain costs what it costs a runtime: each plugin gets the result
// of the one before, DEL goes backwards with the result that ADD gave, which is kept in a file until then
// (https://www.cni.dev/docs/spec/#section-3-execution-of-network-configurations).
//
//   CNI_... chain CACHE-DIRECTORY PLUGIN CONFIGURATION-FILE [PLUGIN CONFIGURATION-FILE...]
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char result[64 << 10], configuration[64 << 10], input[128 << 10];

static void die(const char *what) {
    fprintf(stderr, "chain: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_all(int fd, char *text, size_t size, const char *name) {
    size_t have = 0;
    for (ssize_t count; (count = read(fd, text + have, size - 1 - have)) != 0; have += (size_t)count)
        if (count < 0) die(name);
    text[have] = 0;
    close(fd);
}

// The configuration with the result so far in it.
static void prepare(const char *file) {
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) die(file);
    read_all(fd, configuration, sizeof configuration, file);
    char *brace = strrchr(configuration, '}');
    if (!brace) die(file);
    *brace = 0;
    int length = snprintf(input, sizeof input, "%s%s%s}", configuration, *result ? ",\"prevResult\":" : "", result);
    if (length >= (int)sizeof input) die("a result that is too long");
}

static void run(char *plugin, int keeps_result) {
    int in = memfd_create("stdin", MFD_CLOEXEC), out[2], status;
    if (in < 0 || pipe2(out, O_CLOEXEC) || write(in, input, strlen(input)) < 0 || lseek(in, 0, SEEK_SET)) die(plugin);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    char *arguments[] = {plugin, NULL};
    pid_t pid;
    errno = posix_spawn(&pid, plugin, &actions, NULL, arguments, environ);
    if (errno) die(plugin);
    close(in), close(out[1]);
    read_all(out[0], input, sizeof input, plugin);
    if (waitpid(pid, &status, 0) < 0) die(plugin);
    if (status) fputs(input, stdout), exit(1);
    if (keeps_result) snprintf(result, sizeof result, "%s", input);
}

int main(int argc, char **argv) {
    const char *command = getenv("CNI_COMMAND"), *id = getenv("CNI_CONTAINERID");
    errno = EINVAL;
    if (argc < 4 || argc % 2 || !command || !id) die("usage: chain CACHE-DIRECTORY PLUGIN CONFIGURATION-FILE...");
    char cache[4096];
    snprintf(cache, sizeof cache, "%s/%s", argv[1], id);
    int is_add = !strcmp(command, "ADD"), fd = is_add ? -1 : open(cache, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) read_all(fd, result, sizeof result, cache);
    for (int at = 2; at < argc; at += 2) {
        int plugin = is_add ? at : argc - at;
        prepare(argv[plugin + 1]);
        run(argv[plugin], is_add);
    }
    if (!is_add) return unlink(cache) && errno != ENOENT ? (die(cache), 1) : 0;
    fd = open(cache, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, result, strlen(result)) < 0) die(cache);
    fputs(result, stdout);
    return 0;
}
