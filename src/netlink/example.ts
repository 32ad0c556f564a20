// Makes a pair of links in the namespace named on the command line, lists what is there, and removes it.
import { Connection } from "node-netlink-native/connection";
import { isGone } from "node-netlink-native/kernel-error";
import { changeLink, createLink, deleteLink, listLinks } from "node-netlink-native/link";
import { openNamespace, openSocket } from "node-netlink-native/native";

using namespace = openNamespace(process.argv[2] ?? "/proc/self/ns/net");
using connection = new Connection(openSocket("route", { namespace }));

// One datagram: the kernel takes the requests in this order, and the first failure is thrown.
connection.execute([
  createLink({ kind: "veth", name: "host0", peer: { name: "eth0" } }),
  changeLink({ name: "eth0" }, { up: true }),
  changeLink({ name: "host0" }, { up: true }),
]);

for (const link of connection.dump(listLinks())) {
  console.log(link.index, link.name, link.up ? "up" : "down");
}

try {
  connection.execute([deleteLink({ name: "host0" }), deleteLink({ name: "eth0" })]);
} catch (error) {
  if (!isGone(error)) throw error;
  console.log(String(error)); // a pair goes together
}
