// Who answers on a port, and whom does it see: servers in namespaces that say their name and the client's address, and clients that tell
// what came back. Each is a process of its own inside, since a namespace is a process's.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import type { TestNamespace } from "../../src/kernel/test-namespace.ts";

const serverSource = `
const [name, port, address] = process.argv.slice(1), net = require("net"), dgram = require("dgram");
const answer = (from) => name + " sees " + from.replace("::ffff:", "");
let open = 2;
const up = () => --open || console.log("up");
net.createServer((s) => s.on("error", () => {}).end(answer(s.remoteAddress))).listen(+port, address, up);
const udp = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
udp.on("message", (_, { address, port }) => udp.send(answer(address), port, address)).bind(+port, address, up);
`;

/** Each argument is a question: `tcp host port` or `udp host port`, for UDP with the port it is sent from where that matters. */
const clientSource = `
const net = require("net"), dgram = require("dgram");
const ask = ([protocol, host, port, from]) => new Promise((resolve) => {
  setTimeout(resolve, 2000, "silence").unref();
  if (protocol === "tcp") {
    let text = "";
    const socket = net.connect(+port, host);
    return socket.on("data", (data) => (text += data)).on("error", (e) => resolve(e.code)).on("close", () => resolve(text));
  }
  const socket = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
  const done = (text) => { try { socket.close(); } catch {} resolve(text); };
  socket.on("message", (data) => done(String(data))).on("error", (e) => done(e.code));
  socket.bind(+(from ?? 0), () => socket.connect(+port, host, () => socket.send("?")));
});
Promise.all(process.argv.slice(1).map((each) => ask(each.split(" ")))).then((all) => { console.log(JSON.stringify(all)); process.exit(); });
`;

/** Answers by TCP and UDP, on the port of every address unless one is given. */
export async function serve(
  namespace: TestNamespace,
  name: string,
  port: number,
  address = "::",
): Promise<AsyncDisposable> {
  const args = [`--net=${namespace.path}`, process.execPath, "-e", serverSource, name, String(port), address];
  const child: ChildProcess = spawn("nsenter", args, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  if (child.stdout !== null) await Promise.race([once(child.stdout, "data"), closed]);
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}

/** What comes back for each question: `NAME sees ADDRESS`, an error's code, or `silence`. */
export async function ask(namespace: TestNamespace, ...questions: readonly string[]): Promise<readonly string[]> {
  const args = [`--net=${namespace.path}`, process.execPath, "-e", clientSource, ...questions];
  const { stdout } = await promisify(execFile)("nsenter", args);
  return JSON.parse(stdout);
}
