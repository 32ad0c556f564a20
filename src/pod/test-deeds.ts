// What other programs do to an attachment while it is made or taken away: each is one act on a fake kernel, which does nothing where there
// is nothing to do it to. For tests that let each of them happen between any two steps of ours.
import type { FakeKernel } from "../kernel/fake.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { listAddresses, removeAddress } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { isGone } from "../netlink/kernel-error.ts";
import { changeLink, createLink, deleteLink, listLinks } from "../netlink/link.ts";
import { listNeighbors, removeNeighbor } from "../netlink/neighbor.ts";
import type { Request } from "../netlink/request.ts";
import { listRoutes, removeRoute } from "../netlink/route.ts";
import { OTHER_POD, POD } from "./fake-node.ts";
import type { Mode, PodNetwork } from "./pod-network.ts";

type Kind = Mode["kind"];

export interface Deed {
  readonly name: string;
  /** Where it is anything to the attachment. */
  readonly modes: readonly Kind[];
  readonly happen: (kernel: FakeKernel, network: PodNetwork) => void;
}

const every: readonly Kind[] = ["routed", "bridge", "macvlan"];
const pairs: readonly Kind[] = ["routed", "bridge"];

/** Of whatever a deed leaves that is nobody's. */
const foreignName = "foreign0";

export const deeds: readonly Deed[] = [
  deed(
    "deletes the host's end",
    pairs,
    onHost(({ hostLink }) => [deleteLink({ name: hostLink })]),
  ),
  deed(
    "takes the host's end down",
    pairs,
    onHost(({ hostLink }) => [changeLink({ name: hostLink }, { up: false })]),
  ),
  deed(
    "renames the host's end",
    pairs,
    onHost(({ hostLink }, host) => renamed(host, hostLink)),
  ),
  deed(
    "writes another alias on it",
    pairs,
    onHost(({ hostLink }) => [changeLink({ name: hostLink }, { alias: "somebody's cable" })]),
  ),
  deed(
    "deletes the pod's end",
    every,
    inPod(({ attachment }) => [deleteLink({ name: attachment.interfaceName })]),
  ),
  deed(
    "renames the pod's end",
    every,
    inPod(({ attachment }, pod) => renamed(pod, attachment.interfaceName)),
  ),
  // A link without another end is bare there, and ends with that namespace.
  deed("moves the pod's end to another namespace", pairs, moveAway),
  deed(
    "removes routes of the node",
    pairs,
    onHost((_, host) => routes(host)),
  ),
  deed(
    "removes routes of the pod",
    every,
    inPod((_, pod) => routes(pod)),
  ),
  deed(
    "removes neighbors of the node",
    pairs,
    onHost((_, host) => neighbors(host)),
  ),
  deed(
    "removes neighbors of the pod",
    every,
    inPod((_, pod) => neighbors(pod)),
  ),
  deed(
    "removes addresses of the pod",
    every,
    inPod((_, pod) => addresses(pod)),
  ),
  deed("unmounts the pod's namespace", every, (kernel) => kernel.removeNamespace(POD)),
  deed(
    "takes the name of the host's end",
    pairs,
    onHost(({ hostLink }) => [createLink({ kind: "ifb", name: hostLink })]),
  ),
  deed(
    "takes the name of the pod's end",
    every,
    inPod(({ attachment }) => [createLink({ kind: "ifb", name: attachment.interfaceName })]),
  ),
  deed(
    "deletes the bridge",
    ["bridge"],
    onHost(() => [deleteLink({ name: "hextet0" })]),
  ),
  deed(
    "deletes the uplink",
    ["macvlan"],
    onHost(() => [deleteLink({ name: "uplink" })]),
  ),
];

function deed(name: string, modes: readonly Kind[], happen: Deed["happen"]): Deed {
  return { name, modes, happen };
}

type Requests = (network: PodNetwork, at: Connection) => readonly Request[];

/** What cannot be done any more, or not yet, is left. */
function onHost(requests: Requests): Deed["happen"] {
  return (kernel, network) => {
    using connection = new Connection(kernel.socket("route"));
    for (const request of requests(network, connection)) connection.attempt([request]);
  };
}

function inPod(requests: Requests): Deed["happen"] {
  return (kernel, network) => {
    try {
      using namespace = kernel.namespace(POD);
      using connection = new Connection(kernel.socket("route", namespace));
      for (const request of requests(network, connection)) connection.attempt([request]);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  };
}

function moveAway(kernel: FakeKernel, network: PodNetwork): void {
  using namespace = kernel.namespace(OTHER_POD);
  const moved = inPod(({ attachment }, pod) => {
    const link = pod.dump(listLinks()).find(({ name }) => name === attachment.interfaceName);
    if (link === undefined) return [];
    // Under another name, since that namespace has an interface of its own.
    return [changeLink({ index: link.index }, { name: foreignName }), changeLink({ index: link.index }, { namespace })];
  });
  moved(kernel, network);
}

function renamed(connection: Connection, from: string): readonly Request[] {
  const links = connection.dump(listLinks()).filter(({ name }) => name === from);
  return links.map(({ index }) => changeLink({ index }, { name: foreignName }));
}

function routes(connection: Connection): readonly Request[] {
  return connection.dump(listRoutes({ protocol: hextetProtocol })).map((route) => removeRoute(route));
}

function neighbors(connection: Connection): readonly Request[] {
  return connection.dump(listNeighbors()).map((neighbor) => removeNeighbor(neighbor));
}

function addresses(connection: Connection): readonly Request[] {
  return connection.dump(listAddresses()).map((address) => removeAddress(address));
}
