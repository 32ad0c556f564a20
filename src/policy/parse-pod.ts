// A Pod of the Kubernetes API as far as policy looks at it: who it is, where it is, what it is called by. What cannot be read of it is
// left out, so that no rule matches by it.
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
import * as v from "valibot";
import { openObject } from "../config/parse.ts";
import { Address } from "../ip/address.ts";
import { Findings, type Reading } from "./findings.ts";
import { readMetadata } from "./parse-metadata.ts";
import { portNumber, protocol } from "./parse-port.ts";
import type { NamedPort, PolicyPod } from "./policy-view.ts";

type Path = readonly (string | number)[];

const list = v.nullish(v.array(v.unknown()), []);
const word = v.nullish(v.string(), "");
const specSchema = openObject({
  nodeName: word,
  hostNetwork: v.nullish(v.boolean(), false),
  containers: list,
  initContainers: list,
});
const statusSchema = openObject({ phase: word, podIP: word, podIPs: v.nullish(v.array(openObject({ ip: word })), []) });
const containerSchema = openObject({ restartPolicy: word, ports: list });
const portSchema = openObject({ name: word, containerPort: portNumber(), protocol: protocol() });
const annotationsSchema = v.nullish(openObject({ "kubernetes.io/config.mirror": v.nullish(v.string()) }), {});

/** Nothing for a pod of the host's network and one that has ended. */
export function readPod(object: unknown): Reading<PolicyPod> {
  const findings = new Findings();
  const metadata = readMetadata(object, findings);
  const spec = metadata && findings.read(specSchema, metadata.spec ?? {}, ["spec"]);
  const status = metadata && findings.read(statusSchema, metadata.status ?? {}, ["status"]);
  if (metadata === undefined || spec === undefined || status === undefined)
    return findings.reading<PolicyPod>(undefined);
  if (spec.hostNetwork || status.phase === "Succeeded" || status.phase === "Failed") {
    return findings.reading<PolicyPod>(undefined);
  }
  const mirrored = findings.read(annotationsSchema, metadata.annotations, ["metadata", "annotations"]);
  // The kubelet knows a static pod by a uid of its own, which it writes to the copy in the API.
  const uid = mirrored?.["kubernetes.io/config.mirror"] ?? metadata.uid;
  return findings.reading({
    namespace: metadata.namespace ?? "default",
    name: metadata.name,
    ...(uid === undefined ? {} : { uid }),
    ...(spec.nodeName === "" ? {} : { node: spec.nodeName }),
    labels: metadata.labels,
    addresses: addressesOf(status, findings),
    ports: portsOf(spec, findings),
  });
}

function addressesOf({ podIP, podIPs }: v.InferOutput<typeof statusSchema>, findings: Findings): Address[] {
  const many = podIPs.map(({ ip }) => ip).filter((ip) => ip !== "");
  const texts = many.length > 0 ? many : [podIP].filter((ip) => ip !== "");
  const addresses = texts.map((text, index) => addressOf(text, ["status", "podIPs", index], findings));
  return addresses.filter((address) => address !== undefined);
}

function addressOf(text: string, at: Path, findings: Findings): Address | undefined {
  try {
    return Address.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    findings.fault(at, error.message);
    return undefined;
  }
}

/** Of init containers only those that go on running beside the others. The first port of a name and protocol counts. */
function portsOf({ containers, initContainers }: v.InferOutput<typeof specSchema>, findings: Findings): NamedPort[] {
  const ports = [
    ...containers.flatMap((part, index) => portsOfContainer(part, { at: ["spec", "containers", index], findings })),
    ...initContainers.flatMap((part, index) =>
      portsOfContainer(part, { at: ["spec", "initContainers", index], findings, onlyRestarting: true }),
    ),
  ];
  const first = new Map(ports.toReversed().map((port) => [`${port.protocol}:${port.name}`, port]));
  return ports.filter((port) => first.get(`${port.protocol}:${port.name}`) === port);
}

interface ContainerPlace {
  readonly at: Path;
  readonly findings: Findings;
  readonly onlyRestarting?: true;
}

function portsOfContainer(part: unknown, { at, findings, onlyRestarting }: ContainerPlace): NamedPort[] {
  const container = findings.read(containerSchema, part, at);
  if (container === undefined || (onlyRestarting && container.restartPolicy !== "Always")) return [];
  return container.ports.flatMap((each, index) => {
    // Most ports of most pods have no name and are never asked for.
    if (typeof each === "object" && each !== null && !("name" in each)) return [];
    const port = findings.read(portSchema, each, [...at, "ports", index]);
    return port === undefined || port.name === ""
      ? []
      : [{ name: port.name, protocol: port.protocol, port: port.containerPort }];
  });
}
