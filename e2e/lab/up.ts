// `up`: makes a lab, leaves it running, and shows what it is and who reaches whom in it.
import type { Call, Command } from "../../cmd/hextetctl/command.ts";
import type { Address } from "../../src/ip/address.ts";
import { Lab } from "./lab.ts";
import { pingAll, printMatrix } from "./matrix.ts";
import { readOptions, upOptions } from "./options.ts";
import { describeLab, endpointsOf } from "./report.ts";
import { StateFile } from "./state-file.ts";

export const upCommand: Command = {
  name: "up",
  summary: "make a lab: nodes with agents, pods, and who reaches whom",
  options: upOptions,
  async run(call) {
    const options = readOptions(call);
    const state = new StateFile(call.options.get("state"));
    state.claim();
    const begun = performance.now();
    const lab = await startOrForget(options, state);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    state.up(lab.id, new Date().toISOString());
    await lab.enclosure.stay();
    const { wiring, families } = options;
    call.print(`Topology ${wiring}, family ${families}, made in ${seconds} s.\n\n${describeLab(lab)}\n`);
    const isWhole = await showMatrix(lab, call);
    await showOutside(lab, call);
    call.print(inviting(lab));
    return isWhole ? 0 : 1;
  },
};

async function startOrForget(options: ReturnType<typeof readOptions>, state: StateFile): Promise<Lab> {
  try {
    return await Lab.start(options, (id) => state.enclosed(id));
  } catch (error) {
    state.forget();
    throw error;
  }
}

/** True if everybody reaches everybody. */
export async function showMatrix(lab: Lab, call: Pick<Call, "print">): Promise<boolean> {
  const pings = await pingAll(endpointsOf(lab));
  call.print(`${printMatrix(pings)}\n`);
  return pings.every(({ reached }) => reached);
}

/** That a pod's own address is what the world outside sees. */
async function showOutside(lab: Lab, call: Call): Promise<void> {
  const [pod] = lab.pods;
  const address = pod?.addresses.find(isGlobal);
  if (pod === undefined || address === undefined) return;
  const { code, stdout } = await lab.outside.attempt(["ping", "-n", "-c", "1", "-w", "2", `${address}`]);
  const answer = stdout.split("\n").find((line) => line.includes(" bytes from ")) ?? "no answer";
  call.print(`The host outside asks ${pod.name} at its global address ${address}, through the router:\n  ${answer}`);
  call.print(code === 0 ? "" : "  Nobody answered.\n");
}

function isGlobal(address: Address): boolean {
  return address.family === "v6" && !address.isPrivate;
}

function inviting(lab: Lab): string {
  const [one, other] = [lab.pods[0]?.name ?? "alpha", lab.pods.at(-1)?.name ?? "outside"];
  const commands = [
    [`exec ${one} ping ${other}`, "any program, in a pod or on a node, the router, the host outside"],
    [
      `exec ${lab.nodes[0]?.name ?? "alpha"} hextetctl status`,
      "the operator's tool, on any node; hextetctl help has the rest",
    ],
    ["status", "what there is; matrix asks again who reaches whom; logs NODE"],
    ["down", "takes all of it away"],
  ];
  const width = Math.max(...commands.map(([words = ""]) => words.length));
  const lines = commands.map(([words = "", what]) => `  npm run lab -- ${words.padEnd(width)}  # ${what}`);
  return ["The lab stays up:", ...lines].join("\n");
}
