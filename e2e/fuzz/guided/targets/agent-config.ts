// The agent's configuration, as people write it. Whatever is wrong with it is told with file, line and column.
import { readAgentConfig } from "../../../../src/agent/config-file.ts";
import { ConfigError } from "../../../../src/config/config-error.ts";
import { changeValue } from "../json-mutation.ts";
import { changeLines } from "../line-mutation.ts";
import { Finding, type Target } from "../target.ts";

const whole = `# all of it
nodeName: alpha
cluster:
  source: file
  file: /etc/hextet/cluster.yaml
  kubernetes:
    credentials: service-account
    apiServers: ["https://[fd00::1]:6443"]
uplink: [eth0, eth1]
routing:
  mode: auto
  vxlan: { id: 18552, port: 4789 }
ndpProxy: auto
mtu: 1400
cni:
  directory: /etc/cni/net.d
  fileName: 10-hextet.conflist
  network: hextet
  ipam:
    assign: sequential
  plugins:
    - type: tuning
      sysctl: { net.core.somaxconn: "500" }
dataDirectory: /var/lib/hextet
socket: /run/hextet/agent.sock
listen: "[::]:16128"
page: off
logLevel: info
firewall:
  backend: auto
  policies: true
  masquerade:
    ipv4: true
    ipv6: auto
    except: [fd00::/8, 10.0.0.0/8]
  nptv6: [{ inside: fd00:1::/64, outside: "2001:db8:1::/64" }]
  antiSpoofing: true
  logDenied: false
`;

const dictionary =
  "nodeName cluster kubernetes credentials apiServers uplink routing vxlan ndpProxy mtu cni plugins dataDirectory socket listen page logLevel firewall masquerade except nptv6 inside outside antiSpoofing logDenied auto off on none true 0x10 .inf 2001:db8::/32 [::1]:80 127.0.0.1:80 fd00:: 'https://x' ~ null 1_000 2026-01-01";

export async function open(): Promise<Target> {
  return {
    seeds: [whole, "", "{}", "nodeName: b\n", JSON.stringify({ cni: { ipam: { assign: "random" } }, mtu: "auto" })].map(
      (text) => Buffer.from(text),
    ),
    dictionary: dictionary.split(" "),
    mutators: [changeLines, changeLines, changeValue],
    run: tryText,
    [Symbol.asyncDispose]: async () => {},
  };
}

function tryText(input: Uint8Array): void {
  try {
    readAgentConfig(Buffer.from(input).toString("utf8"), { file: "agent.yaml", hostName: "alpha" });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const line of error.message.split("\n"))
      if (!/^(?:\d+ faults?|\s*(?:- )?agent\.yaml(?::[1-9]\d*:[1-9]\d*)?: .)/.test(line))
        throw new Finding(`It does not say where: ${error.message.slice(0, 300)}`);
  }
}
