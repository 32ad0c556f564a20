// What the launcher's two parts know of each other: launcher.c decides and executes, agent-call.c talks to the agent.
#ifndef LAUNCHER_H
#define LAUNCHER_H

// Codes of the CNI specification.
enum { TRY_AGAIN_LATER = 11, INTERNAL = 999 };

// Tells whoever called what went wrong, and gives the exit code.
int fail(int code, const char *what, const char *why);

// Has the agent do this program's call and prints its answer. Gives the exit code; -1, and nothing printed, where the runtime is to do it.
int ask_agent(const char *program, int input);

#endif
