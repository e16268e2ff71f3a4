/** The engine, seen from a plugin: a place to send messages for the user to. */
import grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";

export type Severity = "debug" | "info" | "warning" | "error";

export interface Engine {
  /** An ephemeral message is only shown in the resource's line while it is the latest; others stay. */
  log(severity: Severity, urn: string, message: string, ephemeral?: boolean): void;
  /** Waits until the engine has all messages. */
  flush(): Promise<void>;
  /** The engine's address, where it comes by another way than the command line. */
  attach(address: string): void;
}

/** Finds the engine's address among the arguments; without one, messages go to stderr. */
export function connect(args: readonly string[]): Engine {
  let address = engineAddress(args);
  let client: InstanceType<typeof engineService.EngineClient> | undefined;
  const pending = new Set<Promise<void>>();
  return {
    attach(given) {
      if (address !== given) client = undefined;
      address = given;
    },
    async flush() {
      await Promise.all(pending);
    },
    log(severity, urn, message, ephemeral = false) {
      if (address === undefined) {
        if (severity !== "debug") process.stderr.write(`${severity}: ${message}\n`);
        return;
      }
      client ??= new engineService.EngineClient(address, grpc.credentials.createInsecure());
      const request = new engineProto.LogRequest();
      const severities = engineProto.LogSeverity;
      request.setSeverity(
        { debug: severities.DEBUG, info: severities.INFO, warning: severities.WARNING, error: severities.ERROR }[
          severity
        ],
      );
      request.setUrn(urn);
      request.setMessage(message);
      request.setEphemeral(ephemeral);
      const connected = client;
      const sent = new Promise<void>((resolve) => {
        // A message that cannot be delivered is no reason to fail the resource.
        connected.log(request, new grpc.Metadata(), { deadline: Date.now() + 10_000 }, () => resolve());
      }).finally(() => pending.delete(sent));
      pending.add(sent);
    },
  };
}

/** The engine puts flags such as `--logtostderr`, `-v=9` and `--tracing <endpoint>` before its address. */
export function engineAddress(args: readonly string[]): string | undefined {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--tracing" || arg === "-tracing") index++;
    else if (!arg.startsWith("-")) return arg;
  }
  return undefined;
}
