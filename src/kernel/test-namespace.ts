// Network namespaces for tests on real Linux: each test gets its own, held by an fd, with no mounts and no names to clean up.
// With them come commands run inside, as a person would look at the result.
import { execFileSync } from "node:child_process";
import { createNamespace } from "../netlink/native.ts";
import type { Namespace } from "../netlink/socket.ts";

export class TestNamespace implements Namespace {
  readonly #namespace: Namespace;

  /** A namespace with nothing but a loopback interface that is down. */
  static create(): TestNamespace {
    return new TestNamespace(createNamespace());
  }

  private constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  get fd(): number {
    return this.#namespace.fd;
  }

  /** Good for other processes as long as this one lives: plugins are told a namespace by its path. */
  get path(): string {
    return this.#namespace.path;
  }

  /** Runs a program inside and gives what it prints; an exit code other than 0 is an error with what it complained of. */
  run(program: string, ...args: readonly string[]): string {
    return execFileSync("nsenter", [`--net=${this.path}`, program, ...args], { encoding: "utf8", stdio: "pipe" });
  }

  loopbackUp(): this {
    this.run("ip", "link", "set", "lo", "up");
    return this;
  }

  [Symbol.dispose](): void {
    this.#namespace[Symbol.dispose]();
  }
}

/**
 * A vitest fixture: `const test = base.extend<{ pod: TestNamespace }>({ pod: fresh })`. Vitest reads from the empty pattern that
 * it needs no other.
 */
// oxlint-disable-next-line no-empty-pattern
export async function fresh({}: object, use: (namespace: TestNamespace) => Promise<void>): Promise<void> {
  using namespace = TestNamespace.create();
  await use(namespace);
}
