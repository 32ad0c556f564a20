import { DatabaseSync } from "node:sqlite";
import { test as base, describe, expect } from "vitest";
import { Address } from "../../ip/address.ts";
import { InterfaceAddress } from "../../ip/prefix.ts";
import { describePort, type HeldPort, type HostPort, type PortProtocol } from "../host-port.ts";
import { migrate, migrations } from "./schema.ts";
import { attachment, errorOf, request, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

const targets = { v4: "10.1.0.2/24", v6: "fd00::2/64" } as const;

interface Wanted {
  readonly protocol?: PortProtocol;
  readonly port?: number;
  readonly hostAddress?: string;
}

function portOf(family: keyof typeof targets, { protocol = "tcp", port = 8080, hostAddress }: Wanted = {}): HostPort {
  const target = InterfaceAddress.parse(targets[family]);
  const on = hostAddress === undefined ? {} : { hostAddress: Address.parse(hostAddress) };
  return { protocol, port, ...on, target, targetPort: 80 };
}

const columns = {
  v4: [portOf("v4")],
  v6: [portOf("v6")],
  dual: [portOf("v4"), portOf("v6")],
} as const;

const texts = (ports: readonly HeldPort[]) => ports.map((port) => `${describePort(port)} to ${port.target}`);

describe("ports of the node", () => {
  for (const [name, ports] of Object.entries(columns)) {
    test(`${name}: lead to the attachment that asked first; another is told who has them`, ({ fixture }) => {
      const store = fixture.open();
      store.mapPorts({ attachment: attachment("a"), pod: { namespace: "web", name: "front-0" }, ports });
      const error = errorOf(() => store.mapPorts({ attachment: attachment("b"), ports }));
      expect(error).toMatchObject({
        reason: "portTaken",
        message:
          "Cannot map port 8080/tcp of the node to container b: 8080/tcp leads to pod web/front-0, container a (eth0, network pods)",
        details: "Choose another hostPort or hostIP, or remove that one",
      });
      expect(store.portsOf(attachment("b"))).toEqual([]);
      expect(store.ports().ports.map(({ target }) => target)).toEqual(ports.map(({ target }) => target));
    });

    test(`${name}: are free again when the attachment unmaps them, or releases its leases, or is not kept`, ({
      fixture,
    }) => {
      const store = fixture.open();
      const ends = [
        () => store.unmapPorts(attachment("a")),
        () => store.release(attachment("a")),
        () => store.unmapPortsAllBut("pods", [attachment("b")]),
      ];
      for (const end of ends) {
        store.mapPorts({ attachment: attachment("a"), ports });
        end();
        expect(store.ports().ports).toEqual([]);
        expect(store.unmapPorts(attachment("a"))).toEqual([]);
      }
    });

    test(`${name}: end with a boot, but not those of attachments that the kernel shows to be there`, ({ fixture }) => {
      const first = fixture.open();
      for (const [at, who] of ["stays", "goes"].entries()) {
        const leases = first.lease(request(who, stacks[name as keyof typeof stacks]));
        const moved = ports.map((port) => ({ ...port, port: 8080 + at }));
        first.mapPorts({ attachment: attachment(who), ports: moved });
        if (who === "stays") fixture.held = leases.map(({ address }) => ({ address, attachment: attachment(who) }));
      }
      fixture.bootId = "boot-2";
      const second = fixture.open();
      expect(second.portsOf(attachment("stays"))).toHaveLength(ports.length);
      expect(second.portsOf(attachment("goes"))).toEqual([]);
      fixture.held = [];
      fixture.bootId = "boot-3";
      expect(fixture.open().ports().ports).toEqual([]);
    });
  }

  const everywhere = portOf("v4");
  const onOne = portOf("v4", { hostAddress: "192.0.2.1" });

  test.for<[string, HostPort, HostPort, boolean]>([
    ["all addresses and one of them", everywhere, onOne, false],
    ["one address and all of them", onOne, everywhere, false],
    ["one address twice", onOne, onOne, false],
    ["two addresses", onOne, portOf("v4", { hostAddress: "192.0.2.2" }), true],
    ["two protocols", everywhere, portOf("v4", { protocol: "udp" }), true],
    ["two ports", everywhere, portOf("v4", { port: 8081 }), true],
    ["two families", everywhere, portOf("v6"), true],
    ["the lowest address of IPv6 and all of IPv4", portOf("v6", { hostAddress: "::2" }), everywhere, true],
  ])("%s: the second can be mapped as well: %s", ([, one, other, can], { fixture }) => {
    const store = fixture.open();
    store.mapPorts({ attachment: attachment("a"), ports: [one] });
    const second = () => store.mapPorts({ attachment: attachment("b"), ports: [other] });
    if (can) expect(second).not.toThrow();
    else expect(errorOf(second).reason).toBe("portTaken");
  });

  test("are mapped all or none, and anew in place of what was", ({ fixture }) => {
    const store = fixture.open();
    const [a, b] = [attachment("a"), attachment("b")];
    store.mapPorts({ attachment: a, ports: [portOf("v4"), portOf("v6")] });
    store.mapPorts({ attachment: b, ports: [portOf("v4", { port: 9 })] });
    expect(
      errorOf(() => store.mapPorts({ attachment: b, ports: [portOf("v4", { port: 10 }), portOf("v6")] })).reason,
    ).toBe("portTaken");
    expect(texts(store.portsOf(b))).toEqual(["9/tcp to 10.1.0.2/24"]);
    store.mapPorts({ attachment: a, ports: [portOf("v6", { protocol: "sctp", hostAddress: "2001:db8::1" })] });
    expect(texts(store.portsOf(a))).toEqual(["[2001:db8::1]:8080/sctp to fd00::2/64"]);
  });

  test("a change is known as not applied until somebody says so, and a later one again", ({ fixture }) => {
    const store = fixture.open();
    expect(store.portsAreBehind).toBe(false);
    store.mapPorts({ attachment: attachment("a"), ports: [portOf("v6")] });
    const { change } = store.ports();
    store.unmapPorts(attachment("a"));
    store.portsApplied(change, "nftables");
    expect(fixture.open().portsAreBehind).toBe(true);
    store.portsApplied(store.ports().change, "nftables");
    expect(store.portsAreBehind).toBe(false);
    store.unmapPorts(attachment("a"));
    expect(store.portsAreBehind).toBe(false);
  });

  test("the packet filter that was told is remembered until the node boots", ({ fixture }) => {
    fixture.open().portsApplied(1, "nftables");
    expect(fixture.open().ports().filter).toBe("nftables");
    fixture.bootId = "boot-2";
    expect(fixture.open().ports().filter).toBeUndefined();
  });

  test("are taken over from a damaged database, and applied again", ({ fixture }) => {
    {
      using store = fixture.open();
      store.lease(request("a", stacks.dual));
      store.mapPorts({ attachment: attachment("a"), ports: columns.dual });
      store.portsApplied(store.ports().change, "nftables");
    }
    using database = new DatabaseSync(fixture.path("leases.db"));
    database.exec("DELETE FROM setting");
    database.close();
    fixture.held = [{ address: Address.parse("fd00::2"), attachment: attachment("a") }];
    const store = fixture.open();
    expect(fixture.events.map(({ kind }) => kind)).toContain("rebuilt");
    expect(store.portsOf(attachment("a"))).toHaveLength(2);
    expect(store.portsAreBehind).toBe(true);
  });

  test("have their table also in a database that an older version made", ({ fixture }) => {
    {
      using store = fixture.open();
      store.lease(request("a", stacks.dual));
    }
    const database = new DatabaseSync(fixture.path("leases.db"));
    database.exec("DROP TABLE host_port");
    migrate(database, migrations.slice(0, 1));
    database.close();
    const store = fixture.open();
    expect(fixture.events).toContainEqual({ kind: "migrated", from: 1, to: 2 });
    store.mapPorts({ attachment: attachment("a"), ports: columns.dual });
    expect(store.portsOf(attachment("a"))).toHaveLength(2);
    expect(store.find(attachment("a"))).toHaveLength(2);
  });
});
