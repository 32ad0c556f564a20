// The contract, put to Linux.
import { describe } from "vitest";
import { contract } from "./contract/contract.ts";
import { openLinux } from "./contract/world.ts";

describe("Linux", () => {
  contract(openLinux);
});
