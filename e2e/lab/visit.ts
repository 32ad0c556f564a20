// The commands on a lab that is up: status, matrix, exec, logs, and down.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { type Call, type Command, UsageError } from "../../cmd/hextetctl/command.ts";
import { nearest } from "../../src/config/nearest.ts";
import { Lab } from "./lab.ts";
import { entering, environment, type Place } from "./namespaces.ts";
import { stateOption } from "./options.ts";
import { describeLab } from "./report.ts";
import { LabError } from "./requirements.ts";
import { isAlive, StateFile } from "./state-file.ts";
import { showMatrix } from "./up.ts";

const options = { state: stateOption };
/** Without job control, because the terminal's process group has no number in the machine, and could not be given back. */
const shell = ["sh", "+m"];

export const statusCommand: Command = {
  name: "status",
  summary: "what the lab consists of",
  options,
  run(call) {
    const { lab, since } = joined(call);
    call.print(
      `Topology ${lab.options.wiring}, family ${lab.options.families}, up since ${since}.\n\n${describeLab(lab)}`,
    );
    return 0;
  },
};

export const matrixCommand: Command = {
  name: "matrix",
  summary: "ask who reaches whom",
  options,
  run: async (call) => ((await showMatrix(joined(call).lab, call)) ? 0 : 1),
};

export const execCommand: Command = {
  name: "exec",
  summary: "run a program in a pod, on a node, the router or the host outside",
  operands: "WHERE [PROGRAM ARGUMENTS]",
  options,
  verbatim: true,
  async run(call) {
    const [name, ...rest] = call.operands;
    const { lab } = joined(call);
    const places = placesOf(lab);
    if (name === undefined) throw new UsageError(`exec needs a place: ${[...places.keys()].join(", ")}`);
    const place = places.get(name) ?? complainOfUnknown(name, [...places.keys()]);
    const command = rest[0] === "--" ? rest.slice(1) : rest;
    return runHere(place, command.length === 0 ? shell : command);
  },
};

export const logsCommand: Command = {
  name: "logs",
  summary: "what the agent of a node has printed",
  operands: "NODE",
  options,
  run(call) {
    const [name, ...more] = call.operands;
    const { lab } = joined(call);
    const names = lab.nodes.map((node) => node.name);
    if (name === undefined || more.length > 0) throw new UsageError(`logs needs one node: ${names.join(", ")}`);
    const node = lab.nodes.find((each) => each.name === name) ?? complainOfUnknown(name, names);
    call.print(lab.log(node).trimEnd());
    return 0;
  },
};

export const downCommand: Command = {
  name: "down",
  summary: "take the lab away; nothing of it stays",
  options,
  async run(call) {
    const messages = {
      ended: "The lab is down",
      "was gone": "The lab had ended already; what it was known by is removed",
      absent: "No lab is up",
    };
    call.print(messages[await new StateFile(call.options.get("state")).clear()]);
    return 0;
  },
};

function joined({ options: given }: Call): { readonly lab: Lab; readonly since: string } {
  const state = new StateFile(given.get("state")).read();
  if (state === undefined) throw new LabError("No lab is up: make one with the command up");
  if (!isAlive(state)) throw new LabError("The lab was ended from outside: make a new one with the command up");
  if (state.phase === "starting")
    throw new LabError(`The lab is still being made, by process ${state.owner.pid}: wait for it`);
  return { lab: Lab.join(state.lab), since: state.since };
}

/** Everything in the lab where a program can run, by name. */
function placesOf(lab: Lab): ReadonlyMap<string, Place> {
  return new Map([...lab.pods, ...lab.machines].map(({ name, place }) => [name, place]));
}

function complainOfUnknown(name: string, known: readonly string[]): never {
  const guess = nearest(name, known);
  const hint = guess === undefined ? `there are ${known.join(", ")}` : `did you mean ${guess}`;
  throw new UsageError(`Nothing in the lab is called ${JSON.stringify(name)}; ${hint}`);
}

/** With the caller's terminal; gives the exit code as a shell does. */
async function runHere(place: Place, command: readonly string[]): Promise<number> {
  const [program = "nsenter", ...args] = [...entering(place), ...command];
  // An interrupt at the terminal is for the program, which has the last word on it.
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => {});
  const child = spawn(program, args, { env: environment(), stdio: "inherit" });
  await once(child, "exit");
  return child.signalCode === null ? (child.exitCode ?? 1) : 128 + constants.signals[child.signalCode];
}
