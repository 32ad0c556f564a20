// Whether packets to other nodes come through, small and large, and through tunnels: by what a few pings of each showed.
import type { PeerProbe } from "../facts.ts";
import { type Check, command, type Finding, problem, warning } from "../finding.ts";
import { known } from "../reading.ts";
import { nodeOf } from "../view.ts";
import { findingsOf } from "./faults.ts";

const mtu: Check = {
  id: "mtu",
  why: "IPv6 asks 1280 bytes of every link: below that the kernel takes IPv6 off it, and tunnels need more",
  look(facts) {
    const { uplinks, mtus } = nodeOf(facts);
    return findingsOf(mtus.faults, ["mtu-too-small"]).map((finding) => ({
      ...finding,
      remedies: uplinks.links.slice(0, 1).map(({ name }) => command(`ip link set ${name} mtu 1500`)),
    }));
  },
};

const nodeReach: Check = {
  id: "node-reach",
  sends: true,
  why: "a node that does not answer is down, or something between drops its packets",
  look(facts) {
    const probes = known(facts.peers);
    const silent = probes.filter(({ small }) => !small);
    const tell = silent.length === probes.length ? problem : warning;
    return silent.map(({ node, address }) =>
      tell(
        `Node ${node} does not answer at ${address}`,
        command(`ping ${address}`),
        command(`ip route get ${address}`),
      ),
    );
  },
};

const linkMtu: Check = {
  id: "link-mtu",
  sends: true,
  why: "hosts on one link must have one MTU: who has less drops what is larger, and tells nobody",
  look: (facts) =>
    lostLarge(known(facts.peers), true).map(({ node, address, bytes }) => {
      const seen = `Packets of ${bytes} bytes to ${node} (${address}) are lost, small ones are answered, and it is on this link`;
      return problem(seen, command(`give all hosts on the link one MTU: ip link show`));
    }),
};

const packetTooBig: Check = {
  id: "packet-too-big",
  sends: true,
  why: "without Packet Too Big connections stall as soon as they carry more than a line of text",
  look: (facts) =>
    lostLarge(known(facts.peers), false).map(({ node, address, bytes }): Finding => {
      const seen = `Packets of ${bytes} bytes to ${node} (${address}) are lost, and no router says that they are too big`;
      const accept =
        address.family === "v6"
          ? "ip6tables -I INPUT -p icmpv6 --icmpv6-type packet-too-big -j ACCEPT"
          : "iptables -I INPUT -p icmp --icmp-type fragmentation-needed -j ACCEPT";
      return problem(seen, command(`where it is dropped: ${accept}`), command(`tracepath -n ${address}`));
    }),
};

function lostLarge(probes: readonly PeerProbe[], isOnLink: boolean): PeerProbe[] {
  return probes.filter(({ onLink, small, large }) => onLink === isOnLink && small && large === "lost");
}

const tunnelPort: Check = {
  id: "tunnel-port",
  sends: true,
  why: "nodes behind routers are reached by VXLAN, which is UDP that filters on the way must let pass",
  look(facts) {
    const { port } = known(facts.config).routing.vxlan;
    return known(facts.peers).flatMap(({ node, address, small, tunnel }) => {
      if (tunnel === undefined || tunnel.answered || !small) return [];
      const seen = `Node ${node} answers at ${address}, but not through the tunnel: UDP port ${port} seems to be blocked`;
      const family = address.family === "v6" ? "ip6tables" : "iptables";
      const open = command(`on both nodes, and between them: ${family} -I INPUT -p udp --dport ${port} -j ACCEPT`);
      return [problem(seen, open, command(`and the agent of ${node} must run: hextetctl status --cluster`))];
    });
  },
};

export const pathChecks: readonly Check[] = [mtu, nodeReach, linkMtu, packetTooBig, tunnelPort];
