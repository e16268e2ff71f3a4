/** Translates the engine's gRPC calls into calls of a {@link Provider}, and its results and errors back. */
import grpc from "@grpc/grpc-js";
import errors from "@pulumi/pulumi/proto/status_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as wire from "@pulumi/pulumi/proto/provider_pb.js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import { open, openPlain, seal, type Bag } from "./bag.ts";
import type { Engine } from "./engine.ts";
import { InitError, type Call, type CheckResult, type DiffResult, type Provider } from "./provider.ts";

/** The methods of the `ResourceProvider` service; those that are missing answer "unimplemented". */
export function handlers(provider: Provider, engine: Engine): grpc.UntypedServiceImplementation {
  const cancelled = new AbortController();

  /** Runs one method. A thrown error becomes the answer, with the half-made resource if there is one. */
  function method<Request extends object, Response>(
    run: (request: Request, call: Call) => Promise<Response>,
  ): grpc.handleUnaryCall<Request, Response> {
    return (unary, callback) => {
      const call = callOf(unary.request, engine, cancelled.signal);
      run(unary.request, call)
        .catch(async (error: unknown) => {
          if (isDefect(error)) engine.log("debug", call.urn, error.stack ?? error.message);
          return Promise.reject(toStatus(error, secretsOf(unary.request)));
        })
        // Messages that the call has sent are for this resource: the engine should have them before it is done.
        .finally(() => engine.flush())
        .then((response) => callback(null, response), callback);
    };
  }

  return {
    handshake: method(async (request: wire.ProviderHandshakeRequest) => {
      engine.attach(request.getEngineAddress());
      const response = new proto.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    }),
    attach: method(async (request: { getAddress(): string }) => {
      engine.attach(request.getAddress());
      return new emptyProto.Empty();
    }),
    getPluginInfo: method(async () => {
      const info = new plugin.PluginInfo();
      info.setVersion(provider.version);
      return info;
    }),
    getSchema: method(async () => {
      // Asked for by `pulumi import`, after the import, to write code.
      throw new Error("this stand-in plugin has no schema: add --generate-code=false, or use the official plugin");
    }),
    cancel: method(async () => {
      cancelled.abort(new Error("the operation was cancelled"));
      return new emptyProto.Empty();
    }),
    checkConfig: method(async (request: wire.CheckRequest, call) => {
      const news = open(request.getNews());
      const olds = open(request.getOlds());
      const result = await provider.checkConfig?.({ olds: olds.value, news: news.value }, call);
      return checkResponse(result ?? { inputs: news.value }, request);
    }),
    diffConfig: method(async (request: wire.DiffRequest, call) => {
      const olds = open(request.getOldInputs() ?? request.getOlds());
      const news = open(request.getNews());
      return diffResponse(
        (await provider.diffConfig?.({ olds: olds.value, news: news.value }, call)) ?? { detailed: {} },
      );
    }),
    configure: method(async (request: wire.ConfigureRequest, call) => {
      await provider.configure?.(open(request.getArgs()).value, call);
      const response = new proto.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    }),
    check: method(async (request: wire.CheckRequest, call) => {
      const given = request.getAutonaming();
      const mode = (["propose", "enforce", "disable"] as const)[given?.getMode() ?? 0] ?? "propose";
      const result = await provider.check(
        {
          olds: open(request.getOlds()).value,
          news: open(request.getNews()).value,
          randomSeed: Buffer.from(request.getRandomseed_asU8()),
          ...(given ? { autonaming: { mode, proposedName: given.getProposedName() } } : {}),
        },
        call,
      );
      return checkResponse(result, request);
    }),
    diff: method(async (request: wire.DiffRequest, call) =>
      diffResponse(
        await provider.diff(
          {
            id: request.getId(),
            oldOutputs: open(request.getOlds()).value,
            oldInputs: open(request.getOldInputs()).value,
            news: open(request.getNews()).value,
            ignoreChanges: request.getIgnorechangesList(),
          },
          call,
        ),
      ),
    ),
    create: method(async (request: wire.CreateRequest, call) => {
      const inputs = open(request.getProperties());
      const made = await provider.create(
        {
          inputs: inputs.value,
          secrets: inputs.secrets,
          preview: request.getPreview(),
          timeoutSeconds: request.getTimeout(),
        },
        call,
      );
      const response = new proto.CreateResponse();
      response.setId(request.getPreview() ? "" : made.id);
      response.setProperties(seal(made.outputs, [...inputs.secrets, ...(made.secrets ?? [])]));
      return response;
    }),
    update: method(async (request: wire.UpdateRequest, call) => {
      const news = open(request.getNews());
      const made = await provider.update(
        {
          id: request.getId(),
          inputs: news.value,
          secrets: news.secrets,
          oldOutputs: open(request.getOlds()).value,
          oldInputs: open(request.getOldInputs()).value,
          ignoreChanges: request.getIgnorechangesList(),
          preview: request.getPreview(),
          timeoutSeconds: request.getTimeout(),
        },
        call,
      );
      const response = new proto.UpdateResponse();
      response.setProperties(seal(made.outputs, [...news.secrets, ...(made.secrets ?? [])]));
      return response;
    }),
    read: method(async (request: wire.ReadRequest, call) => {
      const outputs = open(request.getProperties());
      const inputs = open(request.getInputs());
      const old = [...inputs.secrets, ...outputs.secrets];
      const found = await provider.read(
        { id: request.getId(), outputs: outputs.value, inputs: inputs.value, secrets: old },
        call,
      );
      const response = new proto.ReadResponse();
      if (found === undefined) return response;
      const secrets = [...old, ...(found.secrets ?? [])];
      response.setId(found.id);
      response.setProperties(seal(found.outputs, secrets));
      response.setInputs(seal(found.inputs, secrets));
      return response;
    }),
    delete: method(async (request: wire.DeleteRequest, call) => {
      await provider.delete(
        {
          id: request.getId(),
          outputs: open(request.getProperties()).value,
          oldInputs: open(request.getOldInputs()).value,
          timeoutSeconds: request.getTimeout(),
        },
        call,
      );
      return new emptyProto.Empty();
    }),
    invoke: method(async (request: wire.InvokeRequest, call) => {
      const token = request.getTok();
      if (!provider.invoke) throw new Error(`this stand-in plugin has no function ${token}: the official plugin does`);
      const args = open(request.getArgs());
      const response = new proto.InvokeResponse();
      response.setReturn(seal(await provider.invoke({ token, args: args.value }, call), args.secrets));
      return response;
    }),
  };
}

function callOf(request: object, engine: Engine, signal: AbortSignal): Call {
  const urn = "getUrn" in request && typeof request.getUrn === "function" ? String(request.getUrn() ?? "") : "";
  const { type, name } = parseUrn(urn);
  return {
    urn,
    type,
    name,
    signal,
    status: (message) => engine.log("info", urn, message, true),
    log: (severity, message) => engine.log(severity, urn, message),
  };
}

/** `urn:pulumi:stack::project::parent$type::name`; the name itself may hold `::`. */
export function parseUrn(urn: string): { type: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.slice(types.lastIndexOf("$") + 1), name: name.join("::") };
}

function checkResponse(result: CheckResult, request: wire.CheckRequest): wire.CheckResponse {
  const response = new proto.CheckResponse();
  response.setInputs(seal(result.inputs, [...open(request.getNews()).secrets, ...(result.secrets ?? [])]));
  for (const { property, reason } of result.failures ?? []) {
    const failure = new proto.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  }
  return response;
}

function diffResponse(result: DiffResult): wire.DiffResponse {
  const response = new proto.DiffResponse();
  const paths = Object.entries(result.detailed);
  const kinds = proto.PropertyDiff.Kind;
  const { DIFF_NONE, DIFF_SOME } = proto.DiffResponse.DiffChanges;
  response.setChanges(paths.length > 0 ? DIFF_SOME : DIFF_NONE);
  response.setHasdetaileddiff(paths.length > 0);
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  for (const [path, kind] of paths) {
    const diff = new proto.PropertyDiff();
    diff.setInputdiff(result.inputDiff?.has(path) ?? true);
    diff.setKind(
      {
        add: kinds.ADD,
        "add-replace": kinds.ADD_REPLACE,
        delete: kinds.DELETE,
        "delete-replace": kinds.DELETE_REPLACE,
        update: kinds.UPDATE,
        "update-replace": kinds.UPDATE_REPLACE,
      }[kind],
    );
    response.getDetaileddiffMap().set(path, diff);
    if (kind.endsWith("-replace")) response.addReplaces(path);
    const property = /^[^.[]+/.exec(path)?.[0] ?? path;
    if (!response.getDiffsList().includes(property)) response.addDiffs(property);
  }
  return response;
}

/** Where the request's own inputs hold secrets: a resource that failed half-way keeps them. */
function secretsOf(request: object) {
  const bags = ["getProperties", "getNews", "getInputs"].map((name) => {
    const get: unknown = name in request ? request[name as keyof typeof request] : undefined;
    return typeof get === "function"
      ? (get.call(request) as ReturnType<wire.CreateRequest["getProperties"]>)
      : undefined;
  });
  return bags.flatMap((bag) => openPlain((bag?.toJavaScript() ?? {}) as Bag).secrets);
}

/** The form in which Go's gRPC carries an error with details. */
function toStatus(
  error: unknown,
  secrets: ReturnType<typeof secretsOf>,
): grpc.ServiceError | Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitError) {
    const sealed = (bag: Bag) => seal(bag, [...secrets, ...(error.state.secrets ?? [])]);
    const detail = new proto.ErrorResourceInitFailed();
    detail.setId(error.id);
    detail.setProperties(sealed(error.state.outputs));
    if (error.state.inputs) detail.setInputs(sealed(error.state.inputs));
    detail.setReasonsList([...error.reasons]);
    const any = new anyProto.Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new errors.Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(any);
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

/** Errors of this program rather than of its user: their stack trace goes to the debug log. */
function isDefect(error: unknown): error is Error {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}
