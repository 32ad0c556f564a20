// Three projects: unit (no root, no clock), netns (real Linux in fresh namespaces, needs root) and e2e (whole programs).
// Each netns or e2e file runs in a process of its own, because a namespace belongs to a process.
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const globalSetup = new URL("global-setup.ts", import.meta.url).pathname;

export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    // Most tests of real Linux wait for it rather than compute, so two at once are faster on any machine, also on one of two cores,
    // for which the default is one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { extends: true, test: { name: "unit", include: ["{src,cmd,e2e}/**/*.test.ts"] } },
      {
        extends: true,
        test: { name: "netns", include: ["{src,cmd}/**/*.netns.ts"], pool: "forks", testTimeout: 20_000, globalSetup },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["e2e/**/*.e2e.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          globalSetup,
        },
      },
    ],
  },
});
