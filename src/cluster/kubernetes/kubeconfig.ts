// Access by a kubeconfig file, as the kubelet and kubectl have one. It is read again for every request, with the files it names, so
// that what rotates is followed. Why not by the Kubernetes client: docs/decisions/own-reflector.md.
// https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { oneError } from "../../config/parse.ts";
import { YamlDocument } from "../../config/yaml-document.ts";
import type { Access, Credentials, TlsSettings } from "./access.ts";
import { ApiFailure } from "./api-failure.ts";
import { ExecCredentials, execSchema } from "./exec-credentials.ts";

export interface KubeconfigOptions {
  readonly path: string;
  /** Tried before the server the file names. */
  readonly apiServers: readonly URL[];
  /** Of programs that the file names. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const clusterSchema = v.object({
  server: v.string(),
  "certificate-authority": v.nullish(v.string()),
  "certificate-authority-data": v.nullish(v.string()),
  "insecure-skip-tls-verify": v.nullish(v.boolean()),
  "tls-server-name": v.nullish(v.string()),
  "proxy-url": v.nullish(v.string()),
});
const userSchema = v.object({
  "client-certificate": v.nullish(v.string()),
  "client-certificate-data": v.nullish(v.string()),
  "client-key": v.nullish(v.string()),
  "client-key-data": v.nullish(v.string()),
  token: v.nullish(v.string()),
  tokenFile: v.nullish(v.string()),
  username: v.nullish(v.string()),
  password: v.nullish(v.string()),
  as: v.nullish(v.string()),
  exec: v.nullish(execSchema),
  "auth-provider": v.nullish(v.object({ name: v.string() })),
});
const fileSchema = v.object({
  "current-context": v.string(),
  contexts: v.array(
    v.object({ name: v.string(), context: v.object({ cluster: v.string(), user: v.nullish(v.string()) }) }),
  ),
  clusters: v.array(v.object({ name: v.string(), cluster: clusterSchema })),
  users: v.nullish(v.array(v.object({ name: v.string(), user: v.nullish(userSchema) }))),
});

type Cluster = v.InferOutput<typeof clusterSchema>;
type User = v.InferOutput<typeof userSchema>;

export function kubeconfigAccess({ path, apiServers, environment }: KubeconfigOptions): Access {
  const programs = new ExecCredentials(environment);
  return {
    async credentials({ anew }): Promise<Credentials> {
      try {
        const { cluster, user } = currentOf(parseFile(await readFile(path, "utf8"), path));
        const directory = dirname(path);
        const executed = user.exec ? await programs.of(user.exec, { directory, anew }) : {};
        const servers = [...apiServers, new URL(cluster.server)];
        const headers = { ...(await headersOf(user, directory)), ...bearer(executed.token) };
        const tls = { ...(await tlsOf(cluster, user, directory)), ...certificate(executed.cert, executed.key) };
        const proxy = cluster["proxy-url"] ?? "";
        return { servers, headers, tls, ...(proxy === "" ? {} : { proxy }) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new ApiFailure(`Cannot use the kubeconfig ${path}: ${reason}`, { kind: "misconfigured", cause: error });
      }
    },
  };
}

function parseFile(text: string, file: string): v.InferOutput<typeof fileSchema> {
  const document = new YamlDocument(file, text);
  const { value, faults } = document.faults.length > 0 ? document : document.read(fileSchema, document.value);
  if (faults.length > 0) throw oneError(faults);
  return v.parse(fileSchema, value);
}

function currentOf(file: v.InferOutput<typeof fileSchema>): { readonly cluster: Cluster; readonly user: User } {
  const wanted = file["current-context"];
  const context = file.contexts.find(({ name }) => name === wanted)?.context;
  if (context === undefined) throw new SyntaxError(`it has no context ${JSON.stringify(wanted)}: set current-context`);
  const cluster = file.clusters.find(({ name }) => name === context.cluster)?.cluster;
  if (cluster === undefined)
    throw new SyntaxError(`it has no cluster ${JSON.stringify(context.cluster)}: add it to clusters`);
  const user = (file.users ?? []).find(({ name }) => name === context.user);
  const isNamed = (context.user ?? "") !== "";
  if (user === undefined && isNamed)
    throw new SyntaxError(`it has no user ${JSON.stringify(context.user)}: add it to users`);
  const provider = user?.user?.["auth-provider"];
  if (provider)
    throw new SyntaxError(`auth-provider ${provider.name} is no longer a part of Kubernetes: use exec instead`);
  return { cluster, user: user?.user ?? {} };
}

async function headersOf(user: User, directory: string): Promise<Readonly<Record<string, string>>> {
  const { username, password, as } = user;
  // As kubectl has it: a token that stands in the file comes before the file of a token.
  const token = (user.token ?? "") === "" ? await contentOf(user.tokenFile, undefined, directory) : user.token;
  const basic = username ? `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` : undefined;
  return {
    ...(basic === undefined ? {} : { authorization: basic }),
    ...bearer(token?.trim()),
    ...(as ? { "impersonate-user": as } : {}),
  };
}

async function tlsOf(cluster: Cluster, user: User, directory: string): Promise<TlsSettings> {
  const [ca, cert, key] = await Promise.all([
    contentOf(cluster["certificate-authority"], cluster["certificate-authority-data"], directory),
    contentOf(user["client-certificate"], user["client-certificate-data"], directory),
    contentOf(user["client-key"], user["client-key-data"], directory),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...certificate(cert, key),
    ...(cluster["tls-server-name"] ? { servername: cluster["tls-server-name"] } : {}),
    ...(cluster["insecure-skip-tls-verify"] === true ? { rejectUnauthorized: false } : {}),
  };
}

/** What stands in the kubeconfig itself, in base64, comes before the file it names; paths begin at its directory. */
async function contentOf(
  file: string | null | undefined,
  data: string | null | undefined,
  directory: string,
): Promise<string | undefined> {
  if (data) return Buffer.from(data, "base64").toString("utf8");
  return file ? await readFile(resolve(directory, file), "utf8") : undefined;
}

function bearer(token: string | undefined): { readonly authorization?: string } {
  return token === undefined || token === "" ? {} : { authorization: `Bearer ${token}` };
}

function certificate(cert: string | undefined, key: string | undefined): TlsSettings {
  return { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}
