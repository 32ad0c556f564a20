// Credentials that a program prints, as clouds have them. What it printed is kept until shortly before it expires, or until the
// server does not accept it.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";

export const execSchema = v.object({
  apiVersion: v.nullish(v.string(), "client.authentication.k8s.io/v1"),
  command: v.string(),
  args: v.nullish(v.array(v.string()), []),
  env: v.nullish(v.array(v.object({ name: v.string(), value: v.string() })), []),
  installHint: v.nullish(v.string()),
});
type Exec = v.InferOutput<typeof execSchema>;

const answerSchema = v.object({
  status: v.object({
    expirationTimestamp: v.optional(v.string()),
    token: v.optional(v.string()),
    clientCertificateData: v.optional(v.string()),
    clientKeyData: v.optional(v.string()),
  }),
});

interface Executed {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

interface Kept {
  readonly by: string;
  readonly executed: Executed;
  /** In milliseconds since 1970; absent where it does not expire. */
  readonly until?: number;
}

/** A watch that begins now is to last, and clocks differ. */
const marginMs = 30_000;
/** A program that asks a person, or a network that is away, must not hold the agent for ever. */
const timeoutMs = 60_000;

export class ExecCredentials {
  readonly #environment: Readonly<Record<string, string | undefined>>;
  #kept: Kept | undefined;

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment;
  }

  async of(exec: Exec, { directory, anew }: { readonly directory: string; readonly anew: boolean }): Promise<Executed> {
    const by = JSON.stringify(exec);
    const kept = this.#kept;
    if (!anew && kept?.by === by && (kept.until ?? Infinity) - marginMs > Date.now()) return kept.executed;
    const { status } = v.parse(answerSchema, await this.#run(exec, directory));
    const { expirationTimestamp, token, clientCertificateData: cert, clientKeyData: key } = status;
    const executed = {
      ...(token === undefined ? {} : { token }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
    const until = expirationTimestamp === undefined ? undefined : Date.parse(expirationTimestamp);
    this.#kept = { by, executed, ...(until === undefined ? {} : { until }) };
    return executed;
  }

  async #run({ apiVersion, command, args, env, installHint }: Exec, directory: string): Promise<unknown> {
    const info = { apiVersion, kind: "ExecCredential", spec: { interactive: false } };
    const own = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    // A name is looked for in PATH; what has a slash is a path, beginning at the kubeconfig.
    const program = command.includes("/") ? resolve(directory, command) : command;
    const options = {
      env: { ...this.#environment, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...own },
      timeout: timeoutMs,
    };
    try {
      const { stdout } = await promisify(execFile)(program, args, options);
      return JSON.parse(stdout);
    } catch (error) {
      const reason = error instanceof Error ? error.message.trim() : String(error);
      throw new Error(
        `its program ${command} gives no credentials: ${reason}${installHint ? `: ${installHint}` : ""}`,
        {
          cause: error,
        },
      );
    }
  }
}
