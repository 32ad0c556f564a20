// Which plugin a program is: the executable serves three by as many names.
import type { Plugin } from "../cni/dispatch.ts";
import { hextet } from "./hextet.ts";
import { hextetIpam } from "./hextet-ipam.ts";
import type { Host } from "./host.ts";
import { loopback } from "./loopback.ts";

const plugins = { hextet, "hextet-ipam": hextetIpam, loopback };
export type PluginName = keyof typeof plugins;

export function isPluginName(name: string): name is PluginName {
  return Object.hasOwn(plugins, name);
}

export function pluginNamed(name: PluginName, host: Host): Plugin {
  return plugins[name](host);
}
