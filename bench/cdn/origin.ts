/** The origin of `bench/cdn.ts`, run in a region's network: it answers any path, and tells how often it was asked. */
import { createServer } from "node:http";

const [, , host, port] = process.argv;
/** With its headers two blocks of the cache's disk. */
const object = "o".repeat(7000);
const file = "f".repeat(10_240);
const counts = new Map<string, number>();

createServer((request, response) => {
  const url = request.url ?? "/";
  if (url === "/counts") {
    response.end(
      JSON.stringify({ total: [...counts.values()].reduce((sum, one) => sum + one, 0), ...Object.fromEntries(counts) }),
    );
    counts.clear();
    return;
  }
  const kind = url.split("/")[1]!;
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const answer = (): void => {
    const body = kind === "file" ? file : object;
    response.writeHead(200, { "Cache-Control": "max-age=3600", "Content-Length": body.length }).end(body);
  };
  if (kind === "slow") setTimeout(answer, 1000);
  else answer();
}).listen(Number(port), host, () => console.log("listening"));
