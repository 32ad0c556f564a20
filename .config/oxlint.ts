// What `npm run check` lints. Beyond the rules for correct code there are those that keep this house in order: imports point
// down through the layers, a library is known to one folder, decisions do not read the environment. Each says why.
import { defineConfig } from "oxlint";

/** From the top down; folders of one layer may know each other, but never in a circle (import/no-cycle). */
const layers = [
  ["cmd", "e2e"],
  ["doctor"],
  ["agent"],
  ["plugin", "inspect"],
  ["cni", "pod", "node", "policy", "cluster"],
  ["ipam", "firewall", "reconcile"],
  ["netlink", "kernel", "install"],
  ["config", "log"],
  ["ip"],
] as const;

/** Packages that one folder wraps, so that the rest of the code speaks its own words. */
const wrapped = [
  { name: "ipaddr.js", folder: "ip", reason: "Text becomes an Address in src/ip and nowhere else: use Address.parse" },
  { name: "yaml", folder: "config", reason: "Documents are read by src/config, which knows the line of every fault" },
  { name: "prom-client", folder: "agent", reason: "Metrics are the agent's; below it, return the numbers" },
  {
    name: "@kubernetes/client-node",
    folder: "cluster",
    reason: "Only src/cluster talks to Kubernetes: loading its client costs more than an attachment",
  },
] as const;

const tests = ["**/*.test.ts", "**/*.netns.ts", "**/*.e2e.ts", "**/contract/**"];

function folderRules(folder: string, above: readonly string[]) {
  const paths = wrapped.filter((each) => each.folder !== folder).map(({ name, reason }) => ({ name, message: reason }));
  const message = `Imports point down (cmd, agent, plugin, then the rest): src/${folder} must not know what is built on it`;
  const upward = { regex: `^(\\.\\./)+(${above.join("|")})/`, message };
  return {
    files: [`**/src/${folder}/**`],
    rules: { "no-restricted-imports": ["error", { paths, patterns: [upward] }] },
  } as const;
}

const folders = layers.flatMap((layer, depth) =>
  layer.map((folder) => ({ folder, above: layers.slice(0, depth).flat() })),
);

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "vitest"],
  categories: { correctness: "error" },
  options: { typeAware: true },
  ignorePatterns: ["dist/**"],
  rules: {
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "unicorn/no-thenable": "off", // a firewall rule reads `when` and `then`; what it has there is no function, so nothing awaits it
    "typescript/restrict-template-expressions": "off", // values print themselves; no-base-to-string finds those that cannot
    "typescript/no-misused-spread": "off", // an error's own fields for the log, the letters of a text for a test
    "typescript/unbound-method": ["error", { ignoreStatic: true }], // Address.parse is a function
    "eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    "no-empty-pattern": ["error", { allowObjectPatternsAsParameters: true }], // a fixture that uses no other
    "vitest/valid-expect": ["error", { maxArgs: 2 }], // the second says what is wrong
    "vitest/no-conditional-expect": "off", // with expect.unreachable() before the catch, or in a property
    "vitest/expect-expect": [
      "error",
      { assertFunctionNames: ["expect*", "observed.until*", "fc.assert", "fc.asyncProperty"] },
    ],
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    "oxc/no-barrel-file": ["error", { threshold: 0 }],
    "max-lines": ["error", { max: 300, skipBlankLines: false, skipComments: false }],
    "max-lines-per-function": ["error", { max: 40, skipBlankLines: false, skipComments: false }],
    "vitest/no-restricted-vi-methods": [
      "error",
      {
        mock: "Pass things in: a working fake at the seam tests more than a module replaced behind the code's back",
        doMock: "Pass things in: a working fake at the seam tests more than a module replaced behind the code's back",
      },
    ],
  },
  overrides: [
    ...folders.filter(({ above }) => above.length > 0).map(({ folder, above }) => folderRules(folder, above)),
    {
      files: ["**/src/**"],
      rules: {
        "no-console": "error",
        "no-restricted-properties": [
          "error",
          {
            object: "process",
            property: "env",
            message: "The environment is read in cmd/ and passed in: what decides stays testable",
          },
        ],
      },
    },
    {
      files: tests,
      rules: {
        "max-lines": "off",
        "max-lines-per-function": "off",
        "no-restricted-properties": "off",
      },
    },
    // Its cases become tests by the function that is handed to them.
    { files: ["**/contract/**"], rules: { "vitest/no-standalone-expect": "off" } },
    { files: ["**/example.ts"], rules: { "no-console": "off" } },
    { files: ["**/oxlint.ts", "**/vitest.ts"], rules: { "import/no-default-export": "off" } },
  ],
});
