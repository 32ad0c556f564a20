import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseArguments, UsageError } from "../../cmd/hextetctl/command.ts";
import type { LabOptions } from "./lab.ts";
import { readOptions, upOptions } from "./options.ts";
import { upCommand } from "./up.ts";

function read(...args: readonly string[]): LabOptions {
  return readOptions({ ...parseArguments(upCommand, args), build: "/build" });
}

const agent = ["/build/bin/hextet-agent"];
const defaults = { wiring: "link", families: "dual", nodes: 3, podsPerNode: 2, program: agent, build: "/build" };

describe("the options of up", () => {
  test.for([
    ["", {}],
    ["--topology racks --nodes 5 --pods 0", { wiring: "racks", nodes: 5, podsPerNode: 0 }],
    ["--topology ndp-proxy --family v6", { wiring: "ndp-proxy", families: "v6" }],
    ["--family v4 --underlay v6", { families: "v4", underlay: "v6" }],
    ["--topology racks --routed-by fabric", { wiring: "racks", routedBy: "fabric" }],
    ["--program sleep", { program: ["sh", "-c", "sleep"] }],
  ] as const)("%j differ from the defaults by %j", ([line, changes]) => {
    expect(read(...line.split(" ").filter((word) => word !== ""))).toEqual({ ...defaults, ...changes });
  });

  test("are those of docs/lab.md", () => {
    const page = readFileSync(new URL("../../docs/lab.md", import.meta.url), "utf8");
    const told = [...page.matchAll(/^\| `--([a-z-]+)` \|/gm)].map(([, name]) => name);
    expect(told).toEqual(Object.keys(upOptions).filter((name) => name !== "state"));
    expect(page).toContain("`--state DIR` goes with every command");
  });

  test("a bare lab has no program", () => {
    expect(read("--bare")).not.toHaveProperty("program");
  });

  test.for([
    ["--topology=lnik", "--topology lnik is unknown; did you mean link"],
    ["--topology=ring", "--topology ring is unknown; known are link, racks, ndp-proxy"],
    ["--family=v7", "--family v7 is unknown; did you mean v6"],
    ["--underlay=none", "--underlay none is unknown; known are dual, v6, v4"],
    ["--routed-by=fabrics", "--routed-by fabrics is unknown; did you mean fabric"],
    ["--nodes=0", "--nodes 0 cannot be; write a number from 1 to 24"],
    ["--nodes=25", "--nodes 25 cannot be; write a number from 1 to 24"],
    ["--nodes=2.5", "--nodes 2.5 cannot be; write a number from 1 to 24"],
    ["--pods=many", "--pods many cannot be; write a number from 0 to 100"],
    ["--topologie=link", "There is no option --topologie=link; did you mean --topology"],
  ] as const)("%s is refused: %s", ([word, message]) => {
    expect(() => read(word)).toThrow(new UsageError(message));
  });

  test("a program beside --bare is refused", () => {
    expect(() => read("--bare", "--program", "sleep")).toThrow("--bare and --program contradict each other");
  });

  test("a configuration of the agent that cannot be read is named", () => {
    expect(() => read("--agent-config", "/nowhere/agent.yaml")).toThrow(
      "Cannot read --agent-config /nowhere/agent.yaml: ENOENT",
    );
  });
});
