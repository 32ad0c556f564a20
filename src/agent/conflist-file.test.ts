import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import { type ConflistPlace, conflistFaults, removeConflist, writeConflist } from "./conflist-file.ts";

const test = base.extend<{ directory: string; place: ConflistPlace; path: string }>({
  directory: async ({ task: _ }, use) => {
    const directory = await mkdtemp(join(tmpdir(), "hextet-cni-"));
    await use(directory);
    await rm(directory, { recursive: true });
  },
  place: async ({ directory }, use) => use({ directory, fileName: "10-hextet.conflist" }),
  path: async ({ directory }, use) => use(join(directory, "10-hextet.conflist")),
});

describe("writeConflist()", () => {
  test("writes a file that only root reads, and leaves nothing else", async ({ directory, place, path }) => {
    expect(await writeConflist(place, "one\n")).toBe("written");
    expect(await readFile(path, "utf8")).toBe("one\n");
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe("600");
    expect(await readdir(directory)).toEqual(["10-hextet.conflist"]);
  });

  test("does not touch a file that says the same", async ({ place, path }) => {
    await writeConflist(place, "one\n");
    const before = await stat(path, { bigint: true });
    expect(await writeConflist(place, "one\n")).toBe("unchanged");
    const after = await stat(path, { bigint: true });
    expect([after.ino, after.ctimeNs]).toEqual([before.ino, before.ctimeNs]);
    expect(await writeConflist(place, "two\n")).toBe("written");
  });

  test("shows a reader one whole text or the other, however often it changes", async ({ place, path }) => {
    const texts = ["a", "b"].map((letter) => letter.repeat(100_000));
    await writeConflist(place, texts[0] ?? "");
    let isWriting = true;
    const seen = new Set<string>();
    const reader = (async () => {
      while (isWriting) seen.add(await readFile(path, "utf8"));
    })();
    for (let round = 1; round <= 40; round++) await writeConflist(place, texts[round % 2] ?? "");
    isWriting = false;
    await reader;
    expect([...seen].filter((text) => !texts.includes(text))).toEqual([]);
  });

  test("makes the directory where it is missing", async ({ directory }) => {
    const place = { directory: join(directory, "etc", "cni", "net.d"), fileName: "10-hextet.conflist" };
    expect(await writeConflist(place, "one\n")).toBe("written");
    expect(await readdir(place.directory)).toEqual(["10-hextet.conflist"]);
  });

  test("writes through a directory that is a symbolic link", async ({ directory, place }) => {
    await mkdir(join(directory, "real"));
    await symlink("real", join(directory, "link"));
    await writeConflist({ ...place, directory: join(directory, "link") }, "one\n");
    expect(await readdir(join(directory, "real"))).toEqual(["10-hextet.conflist"]);
  });

  test.for(["a file", "nothing", "itself"])(
    "replaces a symbolic link to %s and leaves alone what it leads to",
    async (target, { directory, place, path }) => {
      const victim = join(directory, "victim");
      await writeFile(victim, "one\n");
      const targets: Record<string, string> = { "a file": victim, nothing: join(directory, "none"), itself: path };
      await symlink(targets[target] ?? "", path);
      expect(await writeConflist(place, "one\n")).toBe("written");
      expect((await lstat(path)).isFile()).toBe(true);
      expect((await readdir(directory)).toSorted()).toEqual(["10-hextet.conflist", "victim"]);
      await writeConflist(place, "two\n");
      expect(await readFile(victim, "utf8")).toBe("one\n");
    },
  );

  test("does not follow a link that lies where it writes first", async ({ directory, place, path }) => {
    const victim = join(directory, "victim");
    await writeFile(victim, "precious");
    await symlink(victim, join(directory, ".10-hextet.conflist.new"));
    await writeConflist(place, "one\n");
    expect([await readFile(victim, "utf8"), await readFile(path, "utf8")]).toEqual(["precious", "one\n"]);
  });

  test("takes over what an agent left that was killed while writing", async ({ directory, place }) => {
    await writeFile(join(directory, ".10-hextet.conflist.new"), "half of a te");
    await writeConflist(place, "one\n");
    expect(await readdir(directory)).toEqual(["10-hextet.conflist"]);
  });

  test("names a directory in the way, and leaves nothing behind", async ({ directory, place, path }) => {
    await mkdir(path);
    await expect(writeConflist(place, "one\n")).rejects.toThrow(
      `cni.directory: Cannot write ${path}: illegal operation on a directory: remove the directory of that name`,
    );
    expect(await readdir(directory)).toEqual(["10-hextet.conflist"]);
  });

  test("names a file where the directory should be", async ({ directory }) => {
    await writeFile(join(directory, "file"), "");
    const place = { directory: join(directory, "file", "net.d"), fileName: "a.conflist" };
    await expect(writeConflist(place, "one\n")).rejects.toThrow(/not a directory: a part of the path is a file/);
  });

  // Nobody can make files in sysfs, root included, whom the mode of a directory does not stop.
  test("says what to do about a directory that cannot be written to", async ({ place }) => {
    await expect(writeConflist({ ...place, directory: "/sys/kernel" }, "one\n")).rejects.toThrow(
      /^cni\.directory: Cannot write \/sys\/kernel\/10-hextet\.conflist: .+: (run the agent as root|mount it writable)/,
    );
  });
});

describe("removeConflist()", () => {
  test("removes the file, and succeeds where there is none", async ({ directory, place }) => {
    await writeConflist(place, "one\n");
    expect(await removeConflist(place)).toBe("removed");
    expect(await readdir(directory)).toEqual([]);
    expect(await removeConflist(place)).toBe("absent");
    expect(await removeConflist({ ...place, directory: join(directory, "none") })).toBe("absent");
  });

  test("removes a symbolic link and not what it leads to", async ({ directory, place, path }) => {
    await writeFile(join(directory, "victim"), "precious");
    await symlink("victim", path);
    expect(await removeConflist(place)).toBe("removed");
    expect(await readdir(directory)).toEqual(["victim"]);
  });

  test("names a directory in the way", async ({ place, path }) => {
    await mkdir(path);
    await expect(removeConflist(place)).rejects.toThrow(`cni.directory: Cannot remove ${path}: `);
  });
});

describe("conflistFaults()", () => {
  test.for([
    ["05-cilium.conflist", true],
    ["10-flannel.conflist", true],
    ["00-multus.conf", true],
    ["09-other.json", true],
    [".hidden.conflist", true],
    ["10-hextet.conf", true],
    ["10-kindnet.conflist", false],
    ["100-crio-bridge.conflist", false],
    ["87-podman-bridge.conflist", false],
    ["05-cilium.conflist.bak", false],
    ["README", false],
  ] as const)("about a file %s of another plugin: %s", async ([name, isFault], { directory, place }) => {
    await writeConflist(place, "{}");
    await writeFile(join(directory, name), '{"name": "other", "plugins": [{"type": "other"}]}');
    expect(await conflistFaults(place, "hextet")).toEqual(
      isFault
        ? [
            `${join(directory, name)} comes before 10-hextet.conflist, so the container runtime uses it and not Hextet: ` +
              "remove it and the plugin it belongs to, or give cni.fileName a name that comes first",
          ]
        : [],
    );
  });

  test("names files of our own network that an earlier configuration left, before and after ours", async ({
    directory,
    place,
  }) => {
    await writeConflist(place, '{"name": "hextet"}');
    for (const name of ["05-hextet.conflist", "20-hextet.conflist"]) {
      await writeFile(join(directory, name), '{"name": "hextet"}');
    }
    expect(await conflistFaults(place, "hextet")).toEqual(
      ["05-hextet.conflist", "20-hextet.conflist"].map(
        (name) =>
          `${join(directory, name)} is a configuration of the network hextet that nobody keeps up to date: remove it`,
      ),
    );
  });

  test("names a file that comes first also when it is broken or a dangling link, and passes over directories", async ({
    directory,
    place,
  }) => {
    await writeFile(join(directory, "01.conflist"), "{");
    await symlink("none", join(directory, "02.conflist"));
    await mkdir(join(directory, "03.conflist"));
    const faults = await conflistFaults(place, "hextet");
    expect(faults.map((fault) => fault.split(" ")[0])).toEqual(
      ["01.conflist", "02.conflist"].map((name) => join(directory, name)),
    );
  });

  test("is empty for a directory that is missing", async ({ directory, place }) => {
    expect(await conflistFaults({ ...place, directory: join(directory, "none") }, "hextet")).toEqual([]);
  });
});
