// The section `pods` of a cluster file: what policies have to know of pods, which on these hosts nobody else can tell. A pod's addresses
// tell other nodes where it is, and on its own node which container it is. docs/cluster-file.md is the reference.
import * as v from "valibot";
import type { FileFault } from "../../config/file-fault.ts";
import { closedObject, text } from "../../config/parse.ts";
import type { Path, YamlDocument } from "../../config/yaml-document.ts";
import { Address } from "../../ip/address.ts";
import type { Protocol } from "../../policy/network-policy.ts";
import { portName, portNumber } from "../../policy/parse-port.ts";
import { labels } from "../../policy/parse-selector.ts";
import type { NamedPort, PolicyPod } from "../../policy/policy-view.ts";
import type { FileEntry, SectionReading } from "./claims.ts";
import { podNameOf } from "./pod-name.ts";

type Port = Omit<NamedPort, "name">;

const protocols: readonly Protocol[] = ["tcp", "udp", "sctp"];
const writtenPort = text((word): Port => {
  const [digits = "", name] = word.split("/");
  const protocol = protocols.find((each) => each === name);
  const port = Number(digits);
  if (protocol !== undefined && /^[1-9]\d{0,4}$/.test(digits) && port <= 65_535) return { protocol, port };
  throw new SyntaxError(`${JSON.stringify(word)} is no port; write 8080, or 53/udp`);
});
const port = v.lazy((input) =>
  typeof input === "number"
    ? v.pipe(
        portNumber(),
        v.transform((number): Port => ({ protocol: "tcp", port: number })),
      )
    : writtenPort,
);
const portList = v.lazy((input) =>
  Array.isArray(input)
    ? v.array(port)
    : v.pipe(
        port,
        v.transform((one) => [one]),
      ),
);

const podAddress = text((word): Address => {
  const address = Address.parse(word);
  const { isLinkLocal, isLoopback, isMulticast, isUnspecified } = address;
  if (!(isLinkLocal || isLoopback || isMulticast || isUnspecified)) return address;
  throw new SyntaxError(`${address} cannot be a pod's address; write one of its node's prefixes`);
});

const podSchema = closedObject({
  labels: v.nullish(labels(), {}),
  addresses: v.nullish(v.array(podAddress), []),
  ports: v.nullish(
    v.custom<object>((input) => isMap(input), "write a map of names to ports, as in {http: 8080}"),
    {},
  ),
});

export function readPods(document: YamlDocument, part: unknown): SectionReading<PolicyPod> {
  if (!isMap(part)) {
    const message =
      "write a map: below `pods:` one line `<namespace>/<name>:` for each pod, and its labels and addresses below that";
    return { entries: [], faults: [document.fault(["pods"], message)], remarks: [] };
  }
  const entries: FileEntry<PolicyPod>[] = [];
  const faults: FileFault[] = [];
  for (const [key, written] of Object.entries(part)) {
    const path: Path = ["pods", key];
    const name = podNameOf(key);
    if ("fault" in name) faults.push(document.fault(path, name.fault));
    const read = document.read(podSchema, written ?? {}, path);
    faults.push(...read.faults);
    const named = readPorts(document, read.value?.ports ?? {}, [...path, "ports"]);
    faults.push(...named.faults);
    if (read.value === undefined || "fault" in name) continue;
    entries.push({ value: { ...name, ...read.value, ports: named.ports }, document, path });
  }
  return { entries, faults, remarks: [] };
}

function readPorts(document: YamlDocument, part: object, at: Path): { ports: NamedPort[]; faults: FileFault[] } {
  const ports: NamedPort[] = [];
  const faults: FileFault[] = [];
  for (const [name, written] of Object.entries(part)) {
    const path: Path = [...at, name];
    const reads = [document.read(portName, name, path), document.read(portList, written, path)] as const;
    faults.push(...reads.flatMap((read) => read.faults));
    ports.push(...(reads[1].value ?? []).map((each) => ({ name, ...each })));
  }
  return { ports, faults };
}

function isMap(part: unknown): part is object {
  return typeof part === "object" && part !== null && !Array.isArray(part);
}
