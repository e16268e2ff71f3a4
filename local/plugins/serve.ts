/**
 * Serves a Pulumi resource provider to the engine over gRPC.
 *
 * The SDK has such a server too (`@pulumi/pulumi/provider`), but it cannot tell a preview from an update, has no
 * detailed diff, no cancellation and no timeouts. A plugin implements {@link Provider} on plain JSON values and calls
 * {@link serve}; the translation from and to gRPC is in handlers.ts, secrets and unknown values in bag.ts.
 */
import { flushCompileCache } from "node:module";
import grpc from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { connect } from "./engine.ts";
import { handlers } from "./handlers.ts";
import type { Provider } from "./provider.ts";

export type { Bag, OpenBag, Path, Value } from "./bag.ts";
export { at, formatPath, hasUnknown, isBag, omit, unknownValue } from "./bag.ts";
export * from "./provider.ts";

/**
 * Starts the server, tells the engine its port, and ends the process when the engine is gone.
 *
 * @param args what the engine passes on the command line: flags, and the engine's own address last.
 */
export async function serve(implementation: Provider, args = process.argv.slice(2)): Promise<void> {
  const engine = connect(args);
  // State can be large: the limits are those of Pulumi's own plugins.
  const limit = 400 * 1024 * 1024;
  const server = new grpc.Server({ "grpc.max_receive_message_length": limit, "grpc.max_send_message_length": limit });
  server.addService(provider.ResourceProviderService, handlers(implementation, engine));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  // A stray rejection in one resource must not take the others with it.
  process.on("unhandledRejection", (error) => engine.log("debug", "", String(error)));
  // The engine kills its plugins, unless it is killed itself.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && process.exit(1), 1000).unref();
  process.stdout.write(`${port}\n`);
  // Node writes its cache of compiled modules when it exits, which a killed plugin does not: the next start is twice as quick.
  flushCompileCache();
}
