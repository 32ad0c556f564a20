// The command line of `npm run e2e:kind`, read into values. Pure but for the file of --kind-config; a fault names the option, the value
// and what would do.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { parse } from "yaml";

export const usage = `npm run e2e:kind -- [options]

Makes clusters with kind, installs Hextet in each as its documents say, and tries what users count on. One cluster for each of the
families and each mode of kube-proxy.

  --families LIST      of v4, v6, dual, v6-first           (all)
  --proxy LIST         of iptables, nftables               (both)
  --only TEXT          checks whose names contain it; may be repeated
  --image NAME         of nodes                            (kind's own)
  --kind-config FILE   merged into the configuration of each cluster: kubeadmConfigPatches and the like
  --build-arg K=V      handed to docker build; may be repeated
  --cluster NAME       install in this cluster of kind and try it there, instead of making any; it stays
  --kubeconfig FILE    try what is installed in this cluster, of whatever kind; nothing is built, and what needs access to
                       its nodes is left out
  --keep               leave the clusters that were made
  --help               this text
`;

export const familySets = ["v4", "v6", "dual", "v6-first"] as const;
export type FamilySet = (typeof familySets)[number];
export const proxyModes = ["iptables", "nftables"] as const;
export type ProxyMode = (typeof proxyModes)[number];

export interface Options {
  readonly families: readonly FamilySet[];
  readonly proxies: readonly ProxyMode[];
  readonly only: readonly string[];
  readonly nodeImage: string | undefined;
  readonly kindConfig: Readonly<Record<string, unknown>>;
  readonly buildArguments: readonly string[];
  readonly cluster: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly keep: boolean;
  readonly help: boolean;
}

/** Throws a TypeError for what is not understood. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      families: { type: "string", default: familySets.join(",") },
      proxy: { type: "string", default: proxyModes.join(",") },
      only: { type: "string", multiple: true, default: [] },
      image: { type: "string" },
      "kind-config": { type: "string" },
      "build-arg": { type: "string", multiple: true, default: [] },
      cluster: { type: "string" },
      kubeconfig: { type: "string" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { cluster, kubeconfig, keep, help, only } = values;
  if (cluster !== undefined && kubeconfig !== undefined) {
    throw new TypeError("--cluster and --kubeconfig name two clusters; leave out one of the two");
  }
  return {
    families: chosen("families", values.families, familySets),
    proxies: chosen("proxy", values.proxy, proxyModes),
    only,
    nodeImage: values.image,
    kindConfig: values["kind-config"] === undefined ? {} : readConfig(values["kind-config"]),
    buildArguments: values["build-arg"],
    cluster,
    kubeconfig,
    keep,
    help,
  };
}

function chosen<T extends string>(option: string, text: string, known: readonly T[]): readonly T[] {
  return text.split(",").map((word) => {
    const found = known.find((each) => each === word);
    if (found === undefined)
      throw new TypeError(`--${option}: ${JSON.stringify(word)} is not one of ${known.join(", ")}`);
    return found;
  });
}

function readConfig(path: string): Readonly<Record<string, unknown>> {
  const read: unknown = parse(readFileSync(path, "utf8"));
  if (typeof read === "object" && read !== null && !Array.isArray(read)) return { ...read };
  throw new TypeError(`--kind-config: ${path} is not a configuration of kind, which begins with kind: Cluster`);
}
