// Hears what the kernel tells of a node's network, and says that there may be something to do: an event means "look again" and
// nothing more. Left out is what comes and goes with every pod or every packet, and what no pass reads. rtnetlink(7),
// include/uapi/linux/rtnetlink.h, include/uapi/linux/netconf.h
import type { Kernel } from "../kernel/kernel.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { addressType, decodeAddress } from "../netlink/address.ts";
import { attributes, headed } from "../netlink/attributes.ts";
import { i32, struct, u8 } from "../netlink/codec.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { decodeLink } from "../netlink/link.ts";
import { linkType } from "../netlink/link-message.ts";
import { ifUnderstood, type Message, readMessages } from "../netlink/message.ts";
import { neighborMessage, neighborType } from "../netlink/neighbor.ts";
import { decodeRoute, mainTable } from "../netlink/route.ts";
import { routeType } from "../netlink/route-message.ts";
import type { NetlinkSocket } from "../netlink/socket.ts";
import { bridgeFamily, scopeNumber } from "../netlink/values.ts";
import { isNodeRoute } from "./routes.ts";

/** Indexes of the links a pass has to do with. */
export interface NodeLinks {
  readonly uplinks: readonly number[];
  readonly tunnels: readonly number[];
}

export interface KernelEventsOptions {
  readonly kernel: Pick<Kernel, "socket">;
  readonly onChange: () => void;
  /** More was told than could be heard. `onChange` is called as well. */
  readonly onLoss: (error: Error) => void;
  /** The kernel tells nothing any more, until `listen` is called again. */
  readonly onEnd: (error: Error) => void;
}

/** RTNLGRP_*: links, neighbors, then addresses, routes, rules and forwarding of IPv4 and of IPv6. */
const groups = [1, 3, 5, 9, 7, 11, 8, 19, 24, 25] as const;

/** RTM_NEWNETCONF: a link's forwarding or neighbor proxy was switched, or that of all links. RTM_DELNETCONF: its link went. */
const netconfType = { new: 80, delete: 81 } as const;
const netconfMessage = headed(struct({ family: u8 }), attributes({ link: [1, i32] }));

/** Those of pods, in use or not. */
const podLink = /^hx(gone)?[0-9a-f]+$/;
/** Out of use, and deleted by and by. */
const formerPodLink = /^hxgone/;

export class KernelEvents implements Disposable {
  readonly #options: KernelEventsOptions;
  #links: NodeLinks = { uplinks: [], tunnels: [] };
  #ownPort: number | undefined;
  #socket: NetlinkSocket | undefined;

  constructor(options: KernelEventsOptions) {
    this.#options = options;
  }

  /** To be called before the first look, so that nothing falls between. It does nothing where it listens already. */
  listen(): void {
    if (this.#socket !== undefined) return;
    const socket = this.#options.kernel.socket("route");
    try {
      socket.watch(
        groups,
        (datagram) => this.#hear(datagram),
        (error) => this.#lost(error),
      );
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
    this.#socket = socket;
  }

  /** Which links matter from now on. */
  heed(links: NodeLinks): void {
    this.#links = links;
  }

  /** From where a pass is about to change routes: of these nothing need be looked at again. */
  expect(port: number): void {
    this.#ownPort = port;
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
    this.#socket = undefined;
  }

  #hear(datagram: Uint8Array): void {
    const messages = ifUnderstood(() => readMessages(datagram));
    const others = messages?.filter((message) => !isOwnRoute(message, this.#ownPort));
    if (others?.some((message) => mayMatter(message, this.#links)) ?? true) this.#options.onChange();
  }

  /** What was lost may have been anything. */
  #lost(error: Error): void {
    const goesOn = error instanceof KernelError && ["ENOBUFS", "EMSGSIZE"].includes(error.code);
    if (goesOn) this.#options.onLoss(error);
    else {
      this[Symbol.dispose]();
      this.#options.onEnd(error);
    }
    this.#options.onChange();
  }
}

/** Links and what is on them the kernel changes further by itself, routes it leaves as they were asked for. */
function isOwnRoute({ type, port }: Message, ownPort: number | undefined): boolean {
  return port === ownPort && (type === routeType.new || type === routeType.delete);
}

/** Whether a pass could find something to do after this; what is not understood may be anything. */
function mayMatter(message: Message, links: NodeLinks): boolean {
  return ifUnderstood(() => matters(message, links)) ?? true;
}

function matters({ type, body }: Message, links: NodeLinks): boolean {
  switch (type) {
    case linkType.new:
      return !podLink.test(decodeLink(body).name);
    case linkType.delete:
      return !formerPodLink.test(decodeLink(body).name);
    case addressType.new:
    case addressType.delete:
      return decodeAddress(body)?.scope === scopeNumber.global;
    case routeType.new:
    case routeType.delete:
      return routeMatters(body);
    case neighborType.new:
    case neighborType.delete:
      return neighborMatters(body, links);
    case netconfType.delete:
      return false;
    case netconfType.new: {
      const { link = -1 } = netconfMessage.decode(body).attributes;
      // Below 0 are "all" and "default".
      return link < 0 || links.uplinks.includes(link) || links.tunnels.includes(link);
    }
    default:
      return true;
  }
}

/** Pods' routes are of our protocol too, and every link has one for its link-local addresses. */
function routeMatters(body: Uint8Array): boolean {
  const route = decodeRoute(body);
  if (route === undefined || route.table !== mainTable) return false;
  return route.protocol === hextetProtocol ? isNodeRoute(route) : !route.destination.address.isLinkLocal;
}

/** Entries of tunnels are made by us alone; those of other links follow the traffic. */
function neighborMatters(body: Uint8Array, { tunnels }: NodeLinks): boolean {
  const { header, attributes: read } = neighborMessage.decode(body);
  return tunnels.includes(header.link) && (header.family === bridgeFamily || read.protocol === hextetProtocol);
}
