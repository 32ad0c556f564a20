// `hextetctl explain path`: interface, route, tunnel, translation and MTU of each hop, as far as this node knows.
import { askFirst } from "../../src/inspect/agent-query.ts";
import { findSide } from "../../src/inspect/flow-ends.ts";
import { explainPath, type Hop, type PathExplanation } from "../../src/inspect/path-explanation.ts";
import { linux } from "../../src/kernel/linux.ts";
import { namespacePaths } from "../../src/kernel/namespace-paths.ts";
import { type Command, UsageError } from "./command.ts";
import { readKnown } from "./known.ts";
import { configOption, loadConfig, nodeNameOption } from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { paint, type Style, table } from "./table.ts";

export const explainPathCommand: Command = {
  name: "explain path",
  summary: "say which way packets go, hop by hop",
  operands: "SOURCE DESTINATION",
  options: { config: configOption, "node-name": nodeNameOption, output: outputOption },
  examples: [
    ["explain path default/web default/db", "from a pod of this node to any other"],
    ["explain path node 2001:db8::1", "from this node"],
  ],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const [from, to, ...more] = call.operands;
    if (from === undefined || to === undefined || more.length > 0) {
      throw new UsageError("explain path needs a source and a destination");
    }
    const config = await loadConfig(call);
    const known = await readKnown(config);
    const paths = await explainPath({
      kernel: linux,
      known,
      settings: { ...config, nodeName: known.node },
      firewall: config.firewall,
      source: findSide(from, known),
      destination: findSide(to, known),
      namespacePaths: namespacePaths(),
      ask: async (node) => {
        const addresses = known.view?.nodes.find(({ name }) => name === node)?.addresses ?? [];
        const answer = await askFirst(addresses, config.listen.port);
        if (answer.kind === "none") return `its agent does not answer: ${answer.why}`;
        const { routes, faults } = answer.status;
        const counts = routes === undefined ? "" : `, ${routes.present} of ${routes.wanted} routes`;
        return `its agent answers${counts}, ${faults.length} faults`;
      },
    });
    if (paths.length === 0) throw new Error(`${from} and ${to} have no family in common`);
    present(call, { value: paths, text: (style) => paths.map((path) => describe(path, style)).join("\n\n") });
    return paths.every(({ arrives }) => arrives) ? 0 : 1;
  },
};

function describe({ source, destination, from, to, hops, arrives, mtu }: PathExplanation, style: Style): string {
  const word = arrives ? "" : paint(style, "red", ": does not arrive");
  const size = mtu === undefined ? "" : `, packets of up to ${mtu} bytes`;
  const rows = hops.map((hop) => [hop.place, hop.route, hop.link, hop.mtu, remarksOf(hop)]);
  return `${source} (${from}) to ${destination} (${to})${size}${word}\n${table(["WHERE", "ROUTE", "LINK", "MTU", "ALSO"], rows, style)}`;
}

function remarksOf({ tunnel, translation }: Hop): string {
  return [tunnel === undefined ? [] : `VXLAN to ${tunnel}`, translation ?? []].flat().join("; ");
}
