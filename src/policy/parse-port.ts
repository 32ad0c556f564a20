// One port of a rule of a NetworkPolicy, as Kubernetes writes it. A port that is not understood to the last word is none.
// https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/#NetworkPolicyPort
import * as v from "valibot";
import { closedObject, text } from "../config/parse.ts";
import { integer } from "../config/values.ts";
import type { Findings } from "./findings.ts";
import type { PolicyPort, Protocol } from "./network-policy.ts";

type Path = readonly (string | number)[];

const protocols = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const satisfies Record<string, Protocol>;

export function protocol() {
  return v.pipe(
    v.nullish(v.picklist(["TCP", "UDP", "SCTP"]), "TCP"),
    v.transform((name): Protocol => protocols[name]),
  );
}

export const portName = text((word) => {
  // RFC 6335, section 5.1, as Kubernetes has it: in small letters.
  if (/^(?=.*[a-z])(?!.*--)[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(word)) return word;
  const fix = /^\d+$/.test(word)
    ? "write it without quotes"
    : "write a number, or at most 15 small letters, digits and hyphens";
  throw new SyntaxError(`${JSON.stringify(word)} is no name of a port; ${fix}`);
});

export function portNumber() {
  return integer(1, 65_535);
}

const portSchema = closedObject({
  protocol: protocol(),
  port: v.nullish(v.lazy((input) => (typeof input === "number" ? portNumber() : portName))),
  endPort: v.nullish(portNumber()),
});

export function readPort(part: unknown, at: Path, findings: Findings): PolicyPort | undefined {
  const written = findings.read(portSchema, part, at);
  if (written === undefined) return undefined;
  const port = written.port ?? undefined;
  const last = written.endPort ?? undefined;
  if (last === undefined) {
    if (port === undefined) return { protocol: written.protocol };
    return { protocol: written.protocol, port: typeof port === "string" ? port : { first: port, last: port } };
  }
  if (typeof port === "number" && port <= last) return { protocol: written.protocol, port: { first: port, last } };
  const message =
    typeof port === "number"
      ? `${last} comes before port ${port}; write a number from it on`
      : "it needs a number as port";
  findings.fault([...at, "endPort"], message);
  return undefined;
}
