import { expect, test } from "vitest";
import { packagesIn } from "./licenses.ts";

test("packagesIn() names each package of a bundle once, those with a scope by both names", () => {
  const text = [
    "// src/ip/address.ts",
    "// node_modules/yaml/dist/index.js",
    "  // node_modules/@opentelemetry/api/build/index.js",
    "// node_modules/yaml/dist/nodes.js",
    'const url = "https://example.org/node_modules/other/";',
  ].join("\n");
  expect(packagesIn([text, "// node_modules/valibot/dist/index.js"])).toEqual([
    "@opentelemetry/api",
    "valibot",
    "yaml",
  ]);
});
