/** What a service has in common with its surroundings: ports, volumes and files. */
import { posix } from "node:path";

import type { Bag } from "../check.ts";
import type { Mount, MountedFile, Port } from "./model.ts";
import type { Surroundings } from "./parse.ts";
import type { Reader } from "./read.ts";

/** `[[HOST_IP:]PUBLISHED:]TARGET[/PROTOCOL]` or the same as a map; ranges are several ports. */
export function readPort(value: unknown, path: string, reader: Reader): Port[] {
  const [low, high] = [1, 65535];
  const range = (text: string | undefined): number[] => {
    if (text === undefined || text === "") return [];
    const [first, last = first] = text.split("-").map(Number) as [number, number?];
    const isRange = [first, last].every((port) => Number.isInteger(port) && port >= low && port <= high);
    if (!isRange || last < first || last - first > 1000) reader.wrong(path, "ports from 1 to 65535", value);
    return isRange && last >= first ? Array.from({ length: last - first + 1 }, (_, index) => first + index) : [];
  };
  const isMap = typeof value === "object" && value !== null;
  const bag = isMap ? reader.map(value, path) : {};
  const text = isMap ? "" : (reader.text(value, path) ?? "");
  const [, hostIp, publishedText, targetText, kind] = isMap
    ? [
        "",
        reader.text(bag["host_ip"], `${path}.host_ip`),
        reader.text(bag["published"], `${path}.published`),
        reader.text(bag["target"], `${path}.target`),
        bag["protocol"],
      ]
    : (/^(?:(?:([\d.]+|\[[\da-f:]+\]):)?([\d-]*):)?([\d-]+)(?:\/(\w+))?$/i.exec(text) ?? []);
  const inside = range(targetText);
  const outside = range(publishedText);
  if (inside.length === 0) reader.wrong(path, 'a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp"', value);
  if (outside.length > 0 && outside.length !== inside.length) {
    reader.wrong(path, "as many published ports as there are in the container", value);
  }
  const protocol = reader.oneOf(kind ?? "tcp", `${path}.protocol`, ["tcp", "udp"]) ?? "tcp";
  const mode = reader.oneOf(bag["mode"] ?? "ingress", `${path}.mode`, ["ingress", "host"]) ?? "ingress";
  return inside.map((target, index) => ({ target, published: outside[index], protocol, hostIp, mode }));
}

/** `[SOURCE:]TARGET[:ro]` or the same as a map. */
export function readMount(value: unknown, path: string, reader: Reader, { folder }: Surroundings): Mount {
  const absolute = (source: string): string => posix.resolve(folder, source);
  if (typeof value === "string") {
    const parts = value.split(":");
    const options = parts.length > 2 || /^(ro|rw)$/.test(parts.at(-1)!) ? parts.pop()!.split(",") : [];
    const [target, source] = [parts.pop()!, parts.pop()];
    const wrong = options.filter((option) => !["ro", "rw"].includes(option));
    if (!target.startsWith("/") || wrong.length > 0) {
      reader.wrong(path, 'such as "data:/data", "./folder:/folder:ro" or "/cache"', value);
    }
    const isPath = source !== undefined && /^[./~]/.test(source);
    const where = isPath ? absolute(source) : source;
    return { type: isPath ? "bind" : "volume", source: where, target, readOnly: options.includes("ro") };
  }
  const bag = reader.map(value, path);
  const type = reader.oneOf(bag["type"], `${path}.type`, ["volume", "bind", "tmpfs"]) ?? "volume";
  const source = reader.text(bag["source"], `${path}.source`);
  const size = reader.bytes(reader.map(bag["tmpfs"], `${path}.tmpfs`)["size"], `${path}.tmpfs.size`);
  return {
    type,
    source: type === "bind" && source !== undefined ? absolute(source) : source,
    target: reader.text(bag["target"], `${path}.target`) ?? "",
    readOnly: reader.flag(bag["read_only"], `${path}.read_only`) ?? false,
    size,
  };
}

/** `PATH[:OPTIONS]`, one or several; of the options the size counts. */
export function tmpfsOf(value: unknown, path: string, reader: Reader): Mount[] {
  const items = typeof value === "string" ? [value] : reader.texts(value, path);
  return items.map((item) => {
    const [target = "", options = ""] = item.split(":");
    const size = /(?:^|,)size=(\w+)/.exec(options)?.[1];
    return { type: "tmpfs", target, readOnly: false, size: reader.bytes(size, path) };
  });
}

export function readFiles(
  kind: "configs" | "secrets",
  bag: Bag,
  path: string,
  content: Bag,
  reader: Reader,
  around: Surroundings,
): MountedFile[] {
  const declared = reader.map(content[kind], kind);
  return reader.list(bag[kind], `${path}.${kind}`).map((item, index) => {
    const here = `${path}.${kind}[${index}]`;
    const entry = typeof item === "string" ? { source: item } : reader.map(item, here);
    const key = reader.text(entry["source"], `${here}.source`) ?? "";
    const isDeclared = Object.hasOwn(declared, key);
    if (!isDeclared) reader.problems.push(`${here} names ${key}, which is not in ${kind}`);
    const source = reader.map(declared[key], `${kind}.${key}`);
    const isSecret = kind === "secrets";
    // A target without a folder is a name below /run/secrets.
    const target = reader.text((entry as Bag)["target"], `${here}.target`) ?? key;
    return {
      key,
      text: isDeclared ? textOf(source, `${kind}.${key}`, reader, around) : "",
      target: target.startsWith("/") ? target : `${isSecret ? "/run/secrets" : ""}/${target}`,
      isSecret,
      uid: reader.text((entry as Bag)["uid"], `${here}.uid`),
      gid: reader.text((entry as Bag)["gid"], `${here}.gid`),
      mode: reader.mode((entry as Bag)["mode"], `${here}.mode`) ?? 0o444,
    };
  });
}

function textOf(source: Bag, path: string, reader: Reader, { read, variables }: Surroundings): string {
  if (typeof source["content"] === "string") return source["content"];
  const [file, variable] = [source["file"], source["environment"]];
  const text = typeof file === "string" ? read(file) : typeof variable === "string" ? variables[variable] : undefined;
  if (text !== undefined) return text;
  const missing = typeof file === "string" ? `the file ${file} is not there` : `${String(variable)} is not set`;
  const reason = file === undefined && variable === undefined ? "it names no file and no variable" : missing;
  reader.problems.push(`${path} has no content: ${reason}`);
  return "";
}
