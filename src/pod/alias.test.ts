import { describe, expect, test } from "vitest";
import { ConfigError } from "../config/config-error.ts";
import { aliasOf, bridgeAlias, parseAlias } from "./alias.ts";

const attachment = { network: "pods", containerId: "4f2c", interfaceName: "eth0" };

describe("alias", () => {
  test("names network, container and interface", () => {
    expect(aliasOf(attachment)).toBe("hextet pods/4f2c/eth0");
  });

  test("gives back the attachment it was made from", () => {
    expect(parseAlias(aliasOf(attachment))).toEqual(attachment);
  });

  test.for([
    [undefined],
    [""],
    ["uplink to rack 4"],
    [bridgeAlias],
    ["hextet pods/4f2c"],
    ["hextet pods//eth0"],
    ["hextet pods/4f2c/eth0/more"],
    ["other hextet pods/4f2c/eth0"],
  ])("%j is nobody's mark", ([alias]) => {
    expect(parseAlias(alias)).toBeUndefined();
  });

  test("takes the longest name that fits: 255 bytes in all", () => {
    const network = "n".repeat(255 - "hextet //".length - 64 - 15);
    const longest = { network, containerId: "c".repeat(64), interfaceName: "i".repeat(15) };
    expect(aliasOf(longest)).toHaveLength(255);
    expect(() => aliasOf({ ...longest, network: `${network}nn` })).toThrow(
      new ConfigError(
        "name",
        `"${network}nn" makes the link alias 2 bytes longer than the 255 the kernel keeps; shorten the network's name to 167 bytes`,
      ),
    );
  });

  test.for([
    [300, "give the container an id of at most 238 bytes"],
    [5000, "give the container an id of at most 238 bytes"],
  ] as const)("says where an id of %d bytes is too long for any network", ([length, fix]) => {
    const containerId = "c".repeat(length);
    expect(() => aliasOf({ ...attachment, containerId })).toThrow(
      new ConfigError(
        "CNI_CONTAINERID",
        `an id of ${length} bytes makes the link alias ${length - 238} bytes longer than the 255 the kernel keeps; ${fix}`,
      ),
    );
  });
});
