// That users get the same objects whichever way they install: one file, kustomize, Helm. The real programs render them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { loadAgentConfig } from "../../src/agent/config-file.ts";
import { findPrograms } from "./programs.ts";

const manifests = join(import.meta.dirname, "../../manifests");
const { kubectl, helm } = findPrograms();
const run = (program: string, ...args: readonly string[]) => execFileSync(program, args, { encoding: "utf8" });
const kustomized = (path: string) => objectsOf(run(kubectl, "kustomize", join(manifests, "kustomize", path)));

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
interface ConfigMap extends KubernetesObject {
  readonly data: { readonly "agent.yaml": string };
}
interface DaemonSet extends KubernetesObject {
  readonly spec: {
    readonly template: {
      readonly metadata: { readonly annotations?: Readonly<Record<string, string>>; readonly labels: object };
      readonly spec: {
        readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
      };
    };
  };
}

/** In the order of their names: each tool has an order of its own. */
function objectsOf(text: string): readonly KubernetesObject[] {
  const objects = parseAllDocuments(text)
    .map((document): KubernetesObject | null => document.toJS())
    .filter((object) => object !== null);
  return objects.map(comparable).toSorted((one, other) => keyOf(one).localeCompare(keyOf(other)));
}

function keyOf({ kind, metadata }: KubernetesObject): string {
  return `${kind}/${metadata.name}`;
}

/** Compared by what it says, not by its comments and quotes, nor by the order of what has names. */
function comparable(object: KubernetesObject): KubernetesObject {
  if (isDaemonSet(object)) return withSortedVolumes(object);
  if (!isConfigMap(object)) return object;
  return { ...object, data: { "agent.yaml": JSON.stringify(parse(object.data["agent.yaml"])) } } as KubernetesObject;
}

function withSortedVolumes(object: DaemonSet): DaemonSet {
  const { template } = object.spec;
  const volumes = template.spec.volumes.toSorted((one, other) => one.name.localeCompare(other.name));
  return { ...object, spec: { ...object.spec, template: { ...template, spec: { ...template.spec, volumes } } } };
}

function isDaemonSet(object: KubernetesObject): object is DaemonSet {
  return object.kind === "DaemonSet";
}

function isConfigMap(object: KubernetesObject): object is ConfigMap {
  return object.kind === "ConfigMap";
}

function templated(...args: readonly string[]): readonly KubernetesObject[] {
  return objectsOf(run(helm, "template", "hextet", join(manifests, "chart"), "--namespace=kube-system", ...args));
}

function configurationIn(objects: readonly KubernetesObject[]): string {
  const found = objects.find(isConfigMap);
  if (found === undefined) return expect.unreachable("there is no ConfigMap");
  return found.data["agent.yaml"];
}

function agentIn(objects: readonly KubernetesObject[]): DaemonSet {
  const found = objects.find(isDaemonSet);
  return found ?? expect.unreachable("there is no DaemonSet");
}

/** As the agent would start with it. */
async function accepted(configuration: string) {
  const directory = mkdtempSync(join(tmpdir(), "hextet-manifests-"));
  try {
    const file = join(directory, "agent.yaml");
    writeFileSync(file, configuration);
    return await loadAgentConfig({ file, mayBeMissing: false, hostName: "alpha" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const base = kustomized("base");

describe("the ways to install", () => {
  test("manifests/hextet.yaml holds the objects of the kustomize base", () => {
    expect(objectsOf(readFileSync(join(manifests, "hextet.yaml"), "utf8"))).toEqual(base);
  });

  test("manifests/cleanup.yaml holds the objects of its kustomization", () => {
    expect(objectsOf(readFileSync(join(manifests, "cleanup.yaml"), "utf8"))).toEqual(kustomized("cleanup"));
  });

  test("npm run manifests has been run after the last change", () => {
    const directory = mkdtempSync(join(tmpdir(), "hextet-manifests-"));
    try {
      run("sh", join(manifests, "render.sh"), directory);
      for (const name of ["hextet.yaml", "cleanup.yaml"]) {
        expect(readFileSync(join(directory, name), "utf8")).toBe(readFileSync(join(manifests, name), "utf8"));
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("the chart makes the objects of the base where nothing is set", () => {
    expect(templated()).toEqual(base);
  });

  test("the chart is in order", () => {
    expect(run(helm, "lint", "--strict", join(manifests, "chart"))).toContain("0 chart(s) failed");
  });

  test("chart, image and programs have one version", () => {
    const { version } = JSON.parse(readFileSync(join(manifests, "../package.json"), "utf8"));
    const chart = parse(readFileSync(join(manifests, "chart/Chart.yaml"), "utf8"));
    expect([chart.version, String(chart.appVersion)]).toEqual([version, version]);
    expect(JSON.stringify(base)).toContain(`"hextet/hextet:${version}"`);
  });
});

describe("overlays and values", () => {
  const cases = [
    { overlay: "dual", values: [], says: { firewall: { masquerade: { ipv4: true, ipv6: "auto" } } } },
    {
      overlay: "ipv6",
      values: ["config.firewall.masquerade.ipv4=false"],
      says: { firewall: { masquerade: { ipv4: false } } },
    },
    { overlay: "ipv4", values: ["config.listen=0.0.0.0:16128"], says: {} },
    { overlay: "ndp-proxy", values: [], says: { ndpProxy: "on" } },
    { overlay: "vxlan", values: ["config.routing.mode=vxlan"], says: { routing: { mode: "vxlan" } } },
    { overlay: "nftables", values: ["config.firewall.backend=nftables"], says: { firewall: { backend: "nftables" } } },
  ] as const;

  test.for(cases)("overlay $overlay is a configuration that the agent accepts", async ({ overlay, says }) => {
    const config = await accepted(configurationIn(kustomized(`overlays/${overlay}`)));
    expect(config).toMatchObject({ ...says, cluster: { source: "kubernetes" } });
  });

  test.for(cases.filter(({ values }) => values.length > 0))(
    "the chart with $values is overlay $overlay",
    ({ overlay, values }) => {
      expect(templated(...values.map((each) => `--set=${each}`))).toEqual(kustomized(`overlays/${overlay}`));
    },
  );

  test("overlay prometheus is the chart with prometheus.annotations", () => {
    const objects = kustomized("overlays/prometheus");
    expect(templated("--set=prometheus.annotations=true")).toEqual(objects);
    expect(agentIn(objects).spec.template.metadata.annotations).toMatchObject({ "prometheus.io/port": "16128" });
  });

  test("overlay k3s is the chart with the paths of k3s", () => {
    const paths = {
      cniPrograms: "/var/lib/rancher/k3s/data/cni",
      cniConfiguration: "/var/lib/rancher/k3s/agent/etc/cni/net.d",
    };
    const set = Object.entries(paths).map(([name, path]) => `--set=paths.${name}=${path}`);
    expect(templated(...set)).toEqual(kustomized("overlays/k3s"));
    const volumes = agentIn(kustomized("overlays/k3s")).spec.template.spec.volumes.map(
      ({ hostPath }) => hostPath?.path,
    );
    expect(volumes).toEqual(expect.arrayContaining(Object.values(paths)));
  });

  test("an image may be named by its digest", () => {
    const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
    const rendered = JSON.stringify(templated(`--set=image.repository=registry.example/hextet,image.digest=${digest}`));
    expect(rendered).toContain(`"image":"registry.example/hextet@${digest}"`);
  });

  test.for([
    { set: "image.digest=latest", fault: "/image/digest" },
    { set: "paths.data=var/lib", fault: "/paths/data" },
    { set: "agents.podLabels.a=b", fault: "agents" },
    { set: "prometheus.annotations=often", fault: "/prometheus/annotations" },
  ])("the chart refuses $set", ({ set, fault }) => {
    expect(() => templated(`--set=${set}`)).toThrow(fault);
  });
});

describe("what the agent may", () => {
  test("each right is to list and to watch", () => {
    const role = JSON.stringify(base.find(({ kind }) => kind === "ClusterRole"));
    const verbs = [...role.matchAll(/"verbs":(\[[^\]]*\])/g)].map(([, list]) => list);
    expect(new Set(verbs)).toEqual(new Set(['["list","watch"]']));
  });

  test.for(["base", "cleanup"])("no container of %s is privileged, writes to its root or gains rights", (path) => {
    const text = JSON.stringify(kustomized(path));
    const containers = text.match(/"securityContext"/g)?.length ?? 0;
    expect(containers).toBeGreaterThan(1);
    expect(text).not.toContain('"privileged"');
    for (const setting of [
      '"readOnlyRootFilesystem":true',
      '"allowPrivilegeEscalation":false',
      '"drop":["ALL"]',
      '"RuntimeDefault"',
    ]) {
      expect(text.split(setting)).toHaveLength(containers + 1);
    }
  });
});
