// A container runtime as far as CNI goes, with the habits of libcni: it derives each plugin's configuration from the network's,
// turns capabilities into runtimeConfig, hands results down the chain, keeps the last one for CHECK and DEL, deletes in
// reverse, and sends a DEL for every forgotten attachment before GC. It knows nothing of Hextet.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Json = Readonly<Record<string, unknown>>;

export interface PluginConfig extends Json {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
}

export interface NetworkList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly PluginConfig[];
  readonly disableCheck?: boolean;
  readonly disableGC?: boolean;
}

export interface Container {
  readonly containerId: string;
  readonly interfaceName: string;
  readonly netns?: string;
  /** CNI_ARGS */
  readonly args?: Readonly<Record<string, string>>;
  /** What the runtime offers; a plugin gets what its capabilities name. */
  readonly capabilityArgs?: Json;
}

export interface ValidAttachment {
  readonly containerID: string;
  readonly ifname: string;
}

export interface Execution {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a plugin printed on failure, as far as it printed what it should. */
export class PluginFailure extends Error {
  override readonly name = "PluginFailure";
  readonly execution: Execution;
  readonly code: number | undefined;
  readonly msg: string;
  readonly details: string;
  readonly cniVersion: unknown;

  constructor(plugin: string, verb: string, execution: Execution) {
    const { code, msg, details, cniVersion } = errorIn(execution.stdout);
    super(`${plugin} ${verb} failed with exit code ${execution.code}: ${execution.stdout || execution.stderr}`);
    this.execution = execution;
    this.code = typeof code === "number" ? code : undefined;
    this.msg = typeof msg === "string" ? msg : "";
    this.details = typeof details === "string" ? details : "";
    this.cniVersion = cniVersion;
  }
}

export interface RuntimeOptions {
  /** Directories of CNI_PATH. */
  readonly path: readonly string[];
  readonly cacheDirectory: string;
  /** The command that enters the network namespace plugins are executed in: `["nsenter", "--net=/proc/7/fd/5"]`. */
  readonly enter?: readonly string[];
  /** Where the directories of `path` are seen from here, when what enters goes into another mount namespace too. */
  readonly root?: string;
  /** More variables for every plugin. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class Runtime {
  readonly #options: RuntimeOptions;

  constructor(options: RuntimeOptions) {
    this.#options = options;
  }

  /** Runs the chain; after a failure the caller owes a DEL, as the specification demands. */
  async add(list: NetworkList, container: Container): Promise<Json> {
    let previous: Json | undefined;
    for (const plugin of list.plugins) {
      const document = documentFor(list, plugin, { previous, container });
      const { stdout } = await this.#call("ADD", plugin.type, document, container);
      previous = { cniVersion: list.cniVersion, ...parseObject(stdout) };
    }
    if (previous === undefined) throw new Error(`Network ${list.name} has no plugin`);
    this.#remember(list, container, previous);
    return previous;
  }

  async check(list: NetworkList, container: Container, previous = this.cached(list, container)): Promise<void> {
    if (list.disableCheck) return;
    for (const plugin of list.plugins) {
      await this.#call("CHECK", plugin.type, documentFor(list, plugin, { previous, container }), container);
    }
  }

  async del(list: NetworkList, container: Container): Promise<void> {
    const hasResult = !["0.3.0", "0.3.1"].includes(list.cniVersion);
    const previous = hasResult ? this.cached(list, container) : undefined;
    for (const plugin of list.plugins.toReversed()) {
      await this.#call("DEL", plugin.type, documentFor(list, plugin, { previous, container }), container);
    }
    rmSync(this.#cacheFile(list.name, container), { force: true });
  }

  /** DEL for every attachment of the cache that is not valid any more, then GC; every failure is thrown at the end. */
  async gc(list: NetworkList, valid: readonly ValidAttachment[]): Promise<void> {
    if (list.disableGC) return;
    const isValid = ({ containerId, interfaceName }: Container) =>
      valid.some(({ containerID, ifname }) => containerID === containerId && ifname === interfaceName);
    const stale = this.#cachedContainers(list.name).filter((container) => !isValid(container));
    const keys = { "cni.dev/valid-attachments": valid, "cni.dev/attachments": valid };
    const steps = [
      ...stale.map((container) => () => this.del(list, container)),
      ...list.plugins.map(
        (plugin) => () => this.#call("GC", plugin.type, { ...documentFor(list, plugin, {}), ...keys }),
      ),
    ];
    const errors: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors);
  }

  async status(list: NetworkList): Promise<void> {
    for (const plugin of list.plugins) await this.#call("STATUS", plugin.type, documentFor(list, plugin, {}));
  }

  async version(type: string, cniVersion: string): Promise<Json> {
    return parseObject((await this.#call("VERSION", type, { cniVersion })).stdout);
  }

  /** The result kept of the last ADD. */
  cached(list: NetworkList, container: Container): Json | undefined {
    const path = this.#cacheFile(list.name, container);
    if (!existsSync(path)) return undefined;
    const { result } = parseObject(readFileSync(path, "utf8"));
    return isObject(result) ? { ...result, cniVersion: list.cniVersion } : undefined;
  }

  /** One execution of one plugin, with exactly this environment and this text; nothing is checked or kept. */
  execute(type: string, environment: Readonly<Record<string, string>>, stdin: string): Promise<Execution> {
    const program = this.find(type);
    const [command, ...args] = this.#options.enter ?? [];
    const env = { PATH: process.env["PATH"] ?? "", ...this.#options.environment, ...environment };
    const options = { env, stdio: "pipe" } as const;
    const child = command === undefined ? spawn(program, options) : spawn(command, [...args, program], options);
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
    const stdout = textOf(child.stdout);
    const stderr = textOf(child.stderr);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
    });
  }

  find(type: string): string {
    const root = this.#options.root ?? "";
    const candidates = this.#options.path.map((directory) => join(directory, type));
    const path = candidates.find((each) => existsSync(root + each));
    if (path === undefined) throw new Error(`Cannot find plugin ${type} in ${this.#options.path.join(", ")}`);
    return path;
  }

  async #call(verb: string, type: string, document: Json, container?: Container): Promise<Execution> {
    const execution = await this.execute(type, this.environmentOf(verb, container), JSON.stringify(document));
    if (execution.code !== 0) throw new PluginFailure(type, verb, execution);
    return execution;
  }

  environmentOf(verb: string, container?: Container): Readonly<Record<string, string>> {
    const args = Object.entries(container?.args ?? {}).map(([key, value]) => `${key}=${value}`);
    return {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: container?.containerId ?? "",
      CNI_NETNS: container?.netns ?? "",
      CNI_IFNAME: container?.interfaceName ?? "",
      CNI_ARGS: args.join(";"),
      CNI_PATH: this.#options.path.join(":"),
    };
  }

  #cacheFile(network: string, { containerId, interfaceName }: Container): string {
    return join(this.#options.cacheDirectory, "results", `${network}-${containerId}-${interfaceName}`);
  }

  #remember(list: NetworkList, container: Container, result: Json): void {
    mkdirSync(join(this.#options.cacheDirectory, "results"), { recursive: true });
    const entry = { kind: "cniCacheV1", networkName: list.name, container, result };
    writeFileSync(this.#cacheFile(list.name, container), JSON.stringify(entry));
  }

  #cachedContainers(network: string): readonly Container[] {
    const directory = join(this.#options.cacheDirectory, "results");
    const entries = existsSync(directory) ? readdirSync(directory) : [];
    return entries
      .map((entry): { networkName: string; container: Container } =>
        JSON.parse(readFileSync(join(directory, entry), "utf8")),
      )
      .filter(({ networkName }) => networkName === network)
      .map(({ container }) => container);
  }
}

interface Derivation {
  readonly previous?: Json | undefined;
  readonly container?: Container;
}

/** Specification, section 3, "Deriving request configuration from plugin configuration". */
export function documentFor(list: NetworkList, plugin: PluginConfig, { previous, container }: Derivation): Json {
  const { capabilities = {}, ...rest } = plugin;
  const offered = Object.entries(container?.capabilityArgs ?? {}).filter(([key]) => capabilities[key]);
  return {
    ...rest,
    name: list.name,
    cniVersion: list.cniVersion,
    ...(offered.length === 0 ? {} : { runtimeConfig: Object.fromEntries(offered) }),
    ...(previous === undefined ? {} : { prevResult: previous }),
  };
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}

function errorIn(stdout: string): Json {
  try {
    return parseObject(stdout);
  } catch {
    return {};
  }
}

function parseObject(text: string): Json {
  const value: unknown = JSON.parse(text);
  if (isObject(value)) return value;
  throw new Error(`Not a JSON object: ${text}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
