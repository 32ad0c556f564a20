// A process stopped in its tracks: strace sends it SIGSTOP as it makes its n-th call of a kind, and says so in its log. Between that and
// goOn() others may do what they like.
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "../agent/agent.ts";
import { attachTracer, detachTracer } from "../agent/tracer.ts";
import type { Runtime } from "../conformance/runtime.ts";
import type { Subject } from "./subject.ts";

export interface Moment {
  readonly systemCall: string;
  /** Counted from 1 and from now on. */
  readonly nth: number;
  /** Whom to stop; where there is none, the executable of `runtime`. */
  readonly agent: Agent | undefined;
}

export class Pause implements AsyncDisposable {
  readonly #log: string;
  readonly #trace: readonly string[];
  readonly #tracer: ChildProcess | undefined;

  private constructor(log: string, trace: readonly string[], tracer: ChildProcess | undefined) {
    this.#log = log;
    this.#trace = trace;
    this.#tracer = tracer;
  }

  static async at(log: string, { systemCall, nth, agent }: Moment): Promise<Pause> {
    rmSync(log, { force: true });
    const inject = `inject=${systemCall}:signal=SIGSTOP:when=${nth}`;
    const trace = ["-f", "-o", log, "-e", `trace=${systemCall}`, "-e", inject];
    if (agent === undefined) return new Pause(log, trace, undefined);
    return new Pause(log, trace, await attachTracer(agent, ...trace));
  }

  /** One whose executables are stopped. */
  runtime(subject: Subject): Runtime {
    return subject.under("timeout", "-s", "KILL", "60", "strace", ...this.#trace);
  }

  /** False where the call has ended without it. */
  async isReached(called: Promise<unknown>): Promise<boolean> {
    let hasEnded = false;
    void called.finally(() => {
      hasEnded = true;
    });
    for (;;) {
      if (this.#stopped() !== undefined) return true;
      if (hasEnded) return false;
      await sleep(5);
    }
  }

  goOn(): void {
    const pid = this.#stopped();
    if (pid !== undefined) process.kill(pid, "SIGCONT");
  }

  #stopped(): number | undefined {
    const text = existsSync(this.#log) ? readFileSync(this.#log, "utf8") : "";
    const [, pid] = /^(\d+) +--- stopped by SIGSTOP ---$/m.exec(text) ?? [];
    return pid === undefined ? undefined : Number(pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#tracer !== undefined) await detachTracer(this.#tracer);
  }
}
