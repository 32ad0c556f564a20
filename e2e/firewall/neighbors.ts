// Rules of others on the same node, as far as they meet pods' packets: those of kube-proxy in both of its modes, of Docker, of firewalld,
// and of a person. Written from what these programs put into the kernel, with nothing that does not matter here.
import type { Address, Family } from "../../src/ip/address.ts";
import type { TestNamespace } from "../../src/kernel/test-namespace.ts";

export type IptablesVariant = "nft" | "legacy";

/** Runs commands of iptables, one a line, in the family's program. */
export function iptables(
  node: TestNamespace,
  variant: IptablesVariant,
  family: Family,
  lines: readonly string[],
): void {
  const program = `${family === "v4" ? "iptables" : "ip6tables"}-${variant}`;
  for (const line of lines) node.run(program, ...line.split(" "));
}

export function nft(node: TestNamespace, text: string): void {
  node.run("nft", text);
}

export interface Service {
  readonly family: Family;
  /** Where it is called, and the pod that answers. */
  readonly address: Address;
  readonly port: number;
  readonly endpoint: Address;
}

/** iptables mode: marks, DNAT, and what it puts into FORWARD. */
export function kubeProxyIptables(node: TestNamespace, variant: IptablesVariant, service: Service): void {
  const { family, address, port, endpoint } = service;
  const to = family === "v6" ? `[${endpoint}]:${port}` : `${endpoint}:${port}`;
  iptables(node, variant, family, [
    "-t nat -N KUBE-SERVICES",
    "-t nat -N KUBE-POSTROUTING",
    `-t nat -A KUBE-SERVICES -d ${address} -p tcp --dport ${port} -j DNAT --to-destination ${to}`,
    "-t nat -I PREROUTING -j KUBE-SERVICES",
    "-t nat -I OUTPUT -j KUBE-SERVICES",
    "-t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-t nat -A KUBE-POSTROUTING -j MASQUERADE --random-fully",
    "-t nat -I POSTROUTING -j KUBE-POSTROUTING",
    "-N KUBE-FORWARD",
    "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
    "-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT",
    "-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-I FORWARD -j KUBE-FORWARD",
    "-N KUBE-SERVICES",
    `-A KUBE-SERVICES -d ${address} -p tcp --dport ${port + 1} -j REJECT --reject-with tcp-reset`,
    "-I FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES",
  ]);
}

/** nftables mode: the same in a table of its own, with a reject for a service without endpoints (one port further). */
export function kubeProxyNftables(node: TestNamespace, { family, address, port, endpoint }: Service): void {
  const ip = family === "v6" ? "ip6" : "ip";
  const to = family === "v6" ? `[${endpoint}]:${port}` : `${endpoint}:${port}`;
  nft(
    node,
    `table ${ip} kube-proxy {
      chain nat-prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        ${ip} daddr ${address} tcp dport ${port} dnat to ${to}
      }
      chain filter-forward {
        type filter hook forward priority -110; policy accept;
        ct state new ${ip} daddr ${address} tcp dport ${port + 1} reject with tcp reset
      }
    }`,
  );
}

/** Docker lets nothing pass that is not for its own networks. */
export function docker(node: TestNamespace, variant: IptablesVariant, family: Family): void {
  iptables(node, variant, family, [
    "-N DOCKER-USER",
    "-A DOCKER-USER -j RETURN",
    "-P FORWARD DROP",
    "-I FORWARD -j DOCKER-USER",
    "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A FORWARD -i docker0 -j ACCEPT",
  ]);
}

/** firewalld ends its chain for forwarded packets by a reject. */
export function firewalld(node: TestNamespace): void {
  nft(
    node,
    `table inet firewalld {
      chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        reject with icmpx admin-prohibited
      }
    }`,
  );
}

/** The remedy that docs/firewall.md names. */
export function firewalldTrustsPods(node: TestNamespace): void {
  nft(node, `insert rule inet firewalld filter_FORWARD meta iifname "hx*" accept`);
  nft(node, `insert rule inet firewalld filter_FORWARD meta oifname "hx*" accept`);
}

/** What a person has against a port of the node. */
export function ownRules(node: TestNamespace, port: number): void {
  nft(
    node,
    `table inet mine {
      chain input {
        type filter hook input priority filter; policy accept;
        udp dport ${port} drop
      }
    }`,
  );
}
