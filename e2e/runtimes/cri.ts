// The Kubernetes side of containerd, asked as the kubelet asks it: by gRPC over containerd's socket (k8s.io/cri-api, runtime/v1/api.proto).
// Of HTTP/2 and protobuf only what four calls need: one message each way, and fields that are text or messages themselves.
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { Containerd } from "./containerd.ts";
import { eventually } from "./eventually.ts";
import { image, makeImage } from "./image.ts";
import { buildInside, type Machine } from "./machine.ts";

// As in containerd.ts, with the plugin `cri`, which without cgroups of its own sets no number of shares; what a machine inside a
// container may not change is left as it is.
const config = `
version = 2
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${image}"
disable_apparmor = true
disable_cgroup = true
disable_hugetlb_controller = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/opt/cni/bin"
conf_dir = "/etc/cni/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`;

export interface Sandbox {
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What the kubelet writes into an event after "Failed to create pod sandbox: rpc error: code = Unknown desc = ". */
export class CallFailed extends Error {
  override readonly name = "CallFailed";
}

export class Cri {
  readonly #machine: Machine;
  #sandboxes = 0;

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  static async start(machine: Machine): Promise<Cri> {
    machine.link(`../../..${buildInside}/bin/hextet`, "/opt/cni/bin/loopback");
    const containerd = await Containerd.start(machine, config);
    await containerd.run("--namespace", "k8s.io", "image", "import", await makeImage(machine));
    const cri = new Cri(machine);
    await eventually("the image is known to the Kubernetes side", async () => {
      const answer = await cri.#call("ImageService/ImageStatus", field(1, field(1, image)));
      return fieldsOf(answer).some(([number]) => number === 1) ? true : undefined;
    });
    return cri;
  }

  /** The id of the pod's sandbox. */
  async run({ namespace, name, annotations }: Sandbox): Promise<string> {
    this.#sandboxes += 1;
    const metadata = [field(1, name), field(2, `uid-${this.#sandboxes}`), field(3, namespace)];
    const pairs = Object.entries(annotations).map(([key, value]) => field(7, field(1, key), field(2, value)));
    const answer = await this.#call("RuntimeService/RunPodSandbox", field(1, field(1, ...metadata), ...pairs));
    return String(valueOf(answer, 1));
  }

  /** The pod's addresses as the kubelet gets them, IPv4 first: containerd's `ip_pref`. */
  async addresses(sandbox: string): Promise<readonly string[]> {
    const answer = await this.#call("RuntimeService/PodSandboxStatus", field(1, sandbox));
    const network = fieldsOf(valueOf(valueOf(answer, 1), 5));
    return network.map(([number, value]) => String(number === 1 ? value : valueOf(value, 1)));
  }

  async remove(sandbox: string): Promise<void> {
    for (const verb of ["Stop", "Remove"]) await this.#call(`RuntimeService/${verb}PodSandbox`, field(1, sandbox));
  }

  async #call(method: string, request: Buffer): Promise<Buffer> {
    const path = this.#machine.path("/run/containerd/containerd.sock");
    const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
    try {
      const stream = session.request({
        ":method": "POST",
        ":path": `/runtime.v1.${method}`,
        "content-type": "application/grpc",
        te: "trailers",
      });
      // An error without an answer comes in the first headers, and there are no trailers.
      let said: IncomingHttpHeaders = {};
      for (const event of ["response", "trailers"]) {
        stream.on(event, (headers: IncomingHttpHeaders) => (said = { ...said, ...headers }));
      }
      stream.end(framed(request));
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      const { "grpc-status": status, "grpc-message": message = "" } = said;
      if (status !== "0") throw new CallFailed(decodeURIComponent(String(message)));
      return Buffer.concat(chunks).subarray(5);
    } finally {
      session.close();
    }
  }
}

/** Not compressed, and how long it is. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function field(number: number, ...parts: readonly (string | Buffer)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(value.length)]), value]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

/** The fields of a message that are text or messages; numbers are passed over. */
function fieldsOf(message: Buffer): readonly (readonly [number: number, value: Buffer])[] {
  const fields: [number, Buffer][] = [];
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = Number(next());
    const number = Number(next());
    if ((key & 7) !== 2) continue;
    fields.push([key >> 3, message.subarray(at, at + number)]);
    at += number;
  }
  return fields;
}

function valueOf(message: Buffer, wanted: number): Buffer {
  const value = fieldsOf(message).find(([number]) => number === wanted)?.[1];
  if (value === undefined) throw new Error(`The answer has no field ${wanted}`);
  return value;
}
