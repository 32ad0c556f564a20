// The file `ipam.resolvConf` names, as the `dns` of a result (man 5 resolv.conf). Read as host-local reads it: lists
// in several lines are joined, what is no keyword of these four is left out. Reading the file itself is the caller's.

export interface ResolvConf {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

export function parseResolvConf(text: string): ResolvConf {
  const lines = text.split("\n").map((line) => line.trim());
  const entries = lines.filter((line) => !/^[#;]/.test(line)).map((line) => line.split(/\s+/));
  const of = (keyword: string) => entries.filter(([first, value]) => first === keyword && value !== undefined);
  const nameservers = of("nameserver").flatMap(([, server]) => server ?? []);
  const domain = of("domain").at(-1)?.[1];
  const search = of("search").flatMap(([, ...domains]) => domains);
  const options = of("options").flatMap(([, ...words]) => words);
  return {
    ...(nameservers.length === 0 ? {} : { nameservers }),
    ...(domain === undefined ? {} : { domain }),
    ...(search.length === 0 ? {} : { search }),
    ...(options.length === 0 ? {} : { options }),
  };
}
