// Queues and redirects in the fake kernel. net/sched/sch_api.c, net/sched/cls_api.c
import { type Message, messageFlag } from "../../netlink/message.ts";
import {
  addQueue as encodeQueue,
  addRedirect as encodeRedirect,
  type Queue,
  listQueues as queues,
  listRedirects as redirects,
} from "../../netlink/tc.ts";
import { TICK_NS, tbfData, trafficMessage, trafficType } from "../../netlink/tc-message.ts";
import { notify, notifyGroup } from "./notify.ts";
import { refuse } from "./refusal.ts";
import { linkAt, type NamespaceState } from "./state.ts";

/** TC_H_INGRESS */
const INGRESS = 0xffff_fff1;

export function addQueue(namespace: NamespaceState, { body, flags }: Message): void {
  const queue = read(body);
  linkAt(namespace, queue.link);
  if (queue.kind === "other") refuse("ENOENT", "Specified qdisc kind is unknown");
  const there = namespace.queues.find((one) => isAtPlaceOf(one, queue));
  if (there !== undefined && (flags & messageFlag.exclusive) !== 0)
    refuse("EEXIST", "Exclusivity flag on, cannot modify");
  namespace.queues = namespace.queues.filter((one) => one !== there);
  if (queue.kind !== "noqueue") namespace.queues.push(queue);
  notify(namespace, notifyGroup.traffic, { type: trafficType.newQueue, body: encodeQueue(queue).body });
}

export function removeQueue(namespace: NamespaceState, { body }: Message): void {
  const { header } = trafficMessage.decode(body);
  linkAt(namespace, header.link);
  const receiving = header.parent === INGRESS;
  const there = namespace.queues.find((one) => one.link === header.link && isReceiving(one) === receiving);
  if (there === undefined) refuse("ENOENT", "Cannot delete qdisc with handle of zero");
  namespace.queues = namespace.queues.filter((one) => one !== there);
  if (receiving) namespace.redirects = namespace.redirects.filter(({ link }) => link !== header.link);
  notify(namespace, notifyGroup.traffic, { type: trafficType.deleteQueue, body: encodeQueue(there).body });
}

/** Every link has something to send by; where nobody gave it another it is `noqueue`. */
export function listQueues(namespace: NamespaceState): Uint8Array[] {
  const bare = [...namespace.links.values()]
    .filter(({ index, up }) => up && !namespace.queues.some((one) => one.link === index && !isReceiving(one)))
    .map(({ index }): Queue => ({ link: index, kind: "noqueue" }));
  return [...bare, ...namespace.queues].map(encode);
}

export function addRedirect(namespace: NamespaceState, { body }: Message): void {
  const { link } = trafficMessage.decode(body).header;
  linkAt(namespace, link);
  const redirect = redirects({ link }).decode(body) ?? refuse("EINVAL");
  const place = namespace.queues.find((one) => one.link === link && isReceiving(one));
  if (place === undefined) refuse("EINVAL", "Parent Qdisc doesn't exists");
  if (place.kind === "clsact") refuse("EINVAL");
  linkAt(namespace, redirect.to);
  if (namespace.redirects.some((one) => one.link === link)) refuse("EEXIST", "Filter already exists");
  namespace.redirects.push(redirect);
}

export function removeRedirect(namespace: NamespaceState, { body }: Message): void {
  const { link } = trafficMessage.decode(body).header;
  linkAt(namespace, link);
  if (!namespace.redirects.some((one) => one.link === link)) refuse("ENOENT", "Cannot find specified filter chain");
  namespace.redirects = namespace.redirects.filter((one) => one.link !== link);
}

export function listRedirects(namespace: NamespaceState, { body }: Message): Uint8Array[] {
  const { link } = trafficMessage.decode(body).header;
  return namespace.redirects.filter((one) => one.link === link).map((one) => encodeRedirect(one).body);
}

/** A request has the burst in bytes, an answer what became of it in ticks. */
function read(body: Uint8Array): Queue {
  const queue = queues().decode(body) ?? refuse("EINVAL");
  const { data } = trafficMessage.decode(body).attributes;
  return queue.kind === "tbf" && data ? { ...queue, burstBytes: tbfData.decode(data).burst ?? 0 } : queue;
}

function encode(queue: Queue): Uint8Array {
  const { body } = encodeQueue(queue);
  const { header, attributes } = trafficMessage.decode(body);
  if (queue.kind !== "tbf" || attributes.data === undefined) return body;
  const { burst: _bytes, parameters, ...rest } = tbfData.decode(attributes.data);
  const buffer = Math.floor((queue.burstBytes * 1e9) / queue.bytesPerSecond / TICK_NS);
  const data = tbfData.encode({ ...rest, parameters: { ...parameters, buffer } });
  return trafficMessage.encode({ header, attributes: { ...attributes, data } });
}

function isReceiving({ kind }: Queue): boolean {
  return kind === "ingress" || kind === "clsact";
}

function isAtPlaceOf(one: Queue, other: Queue): boolean {
  return one.link === other.link && isReceiving(one) === isReceiving(other);
}
