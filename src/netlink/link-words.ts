// What requests about links are called in errors: "create veth link hx1 with peer eth0 in /run/netns/pod1". link.ts makes the requests.
import type { Namespace } from "./socket.ts";

/** What any of the ways to name links has. */
export interface Selector {
  readonly index?: number;
  readonly name?: string;
  readonly group?: number;
}

/** What may be changed of a link; only what is there is told. */
interface Change {
  readonly name?: string;
  readonly mac?: unknown;
  readonly mtu?: number;
  readonly transmitQueueLength?: number;
  readonly namespace?: Namespace;
  readonly alias?: string;
  readonly group?: number;
  readonly addressGeneration?: string;
  readonly master?: number | "none";
  readonly port?: unknown;
  readonly up?: boolean;
}

/** The namespace, where it is another than the socket's. */
export function placeOf({ namespace }: { readonly namespace?: Namespace }): string {
  return namespace === undefined ? "" : ` in ${namespace.path}`;
}

export function describe({ index, name, group }: Selector): string {
  return group === undefined ? `link ${name ?? index}` : `links of group ${group}`;
}

export function describeChange({ namespace, master, up, port, ...rest }: Change): string {
  const { name, mac, mtu, alias, group, transmitQueueLength, addressGeneration } = rest;
  const parts: [text: string, value: unknown][] = [
    [`name ${name}`, name],
    [`MAC ${mac}`, mac],
    [`MTU ${mtu}`, mtu],
    [`transmit queue length ${transmitQueueLength}`, transmitQueueLength],
    [`namespace ${namespace?.path}`, namespace],
    [`alias ${JSON.stringify(alias)}`, alias],
    [`group ${group}`, group],
    [`address generation ${addressGeneration}`, addressGeneration],
    [`master ${master}`, master],
    [`port ${JSON.stringify(port)}`, port],
    [up ? "up" : "down", up],
  ];
  const texts = parts.filter(([, value]) => value !== undefined).map(([text]) => text);
  return texts.length === 0 ? "nothing" : texts.join(", ");
}
