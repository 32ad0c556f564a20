// Runs one command many times, some at a time, and prints what each run cost from exec to exit. The bench drives it because a
// Node process that spawns children adds more to each run than the fastest subject takes.
//
//   timed-jobs WORKERS STDIN-FILE OUTPUT-DIR COMMAND [ARGUMENT...] < JOBS
//
// Each line of JOBS is one run: a name, then NAME=VALUE pairs set in its environment, separated by blanks. The command's standard
// output goes to OUTPUT-DIR/<name>. One line per run is printed: name, exit code, start and end in nanoseconds, user and system
// time in microseconds, peak resident memory in KiB, voluntary and involuntary context switches.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_WORKERS = 64, MAX_VARIABLES = 64, MAX_LINE = 4096 };

struct run {
    pid_t pid;
    char name[256];
    long long started;
};

static void die(const char *what) {
    fprintf(stderr, "timed-jobs: %s: %s\n", what, strerror(errno));
    exit(2);
}

static long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// Starts the run that a line describes. The line is cut up in place; the environment points into it.
static void start(struct run *run, char *line, const char *input, const char *directory, char **command) {
    char *environment[MAX_VARIABLES + 2];
    int count = 0;
    char *name = strtok(line, " \n");
    if (!name) die("a line without a name");
    snprintf(run->name, sizeof run->name, "%s", name);
    for (char *pair; (pair = strtok(NULL, " \n")) && count < MAX_VARIABLES;) environment[count++] = pair;
    environment[count] = NULL;

    char output[MAX_LINE];
    snprintf(output, sizeof output, "%s/%s", directory, run->name);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    run->started = now();
    int failure = posix_spawn(&run->pid, command[0], &actions, NULL, command, environment);
    posix_spawn_file_actions_destroy(&actions);
    if (failure) {
        errno = failure;
        die(command[0]);
    }
}

static void finish(struct run *runs, int workers) {
    int status;
    struct rusage usage;
    pid_t pid = wait4(-1, &status, 0, &usage);
    long long ended = now();
    if (pid < 0) die("wait4");
    for (int at = 0; at < workers; at++) {
        if (runs[at].pid != pid) continue;
        runs[at].pid = 0;
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        printf("%s %d %lld %lld %lld %lld %ld %ld %ld\n", runs[at].name, code, runs[at].started, ended,
               usage.ru_utime.tv_sec * 1000000LL + usage.ru_utime.tv_usec,
               usage.ru_stime.tv_sec * 1000000LL + usage.ru_stime.tv_usec, usage.ru_maxrss, usage.ru_nvcsw,
               usage.ru_nivcsw);
    }
}

int main(int argc, char **argv) {
    int workers = argc > 4 ? atoi(argv[1]) : 0;
    if (workers < 1 || workers > MAX_WORKERS) {
        fprintf(stderr, "usage: timed-jobs WORKERS(1-%d) STDIN-FILE OUTPUT-DIR COMMAND [ARGUMENT...] < JOBS\n", MAX_WORKERS);
        return 2;
    }
    struct run runs[MAX_WORKERS] = {0};
    char line[MAX_LINE];
    int running = 0;
    while (fgets(line, sizeof line, stdin)) {
        if (running == workers) finish(runs, workers), running--;
        int slot = 0;
        while (runs[slot].pid) slot++;
        start(&runs[slot], line, argv[2], argv[3], argv + 4);
        running++;
    }
    for (; running > 0; running--) finish(runs, workers);
    return 0;
}
