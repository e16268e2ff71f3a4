/** The engine's side of the Kubernetes stand-in plugin, for its test: one call of an update at a time. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import type * as wire from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import type { Bag } from "../../local/plugins/bag.ts";

const main = new URL("../../local/plugins/kubernetes/main.ts", import.meta.url).pathname;
const struct = (bag: Bag) => structs.Struct.fromJavaScript(bag as Record<string, never>);
const json = (given: structs.Struct | undefined) => (given?.toJavaScript() ?? {}) as Bag;

/** A resource as the engine knows it. */
export interface Resource {
  readonly token: string;
  readonly name: string;
  readonly id: string;
  readonly inputs: Bag;
  readonly outputs: Bag;
}

/** The engine's side of the plugin: a process, and the calls that an update makes. */
export class Plugin {
  readonly #process: ChildProcess;
  readonly #client: InstanceType<typeof services.ResourceProviderClient>;

  private constructor(process: ChildProcess, port: string) {
    this.#process = process;
    this.#client = new services.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  }

  static async start(): Promise<Plugin> {
    const child = spawn(process.execPath, [main], { stdio: ["ignore", "pipe", "ignore"] });
    const [port] = (await once(createInterface(child.stdout), "line")) as [string];
    return new Plugin(child, port);
  }

  stop(): void {
    this.#client.close();
    this.#process.kill();
  }

  #call<Response>(run: (callback: grpc.requestCallback<Response>) => unknown): Promise<Response> {
    return new Promise((resolve, reject) => {
      run((error, response) => (error || !response ? reject(error ?? new Error("no answer")) : resolve(response)));
    });
  }

  cancel(): Promise<unknown> {
    return this.#call<empty.Empty>((done) => this.#client.cancel(new empty.Empty(), done));
  }

  async check(token: string, name: string, news: Bag, olds: Bag = {}): Promise<Bag> {
    const request = new proto.CheckRequest().setUrn(urn(token, name)).setNews(struct(news)).setOlds(struct(olds));
    request.setRandomseed(Buffer.from(`${Date.now()}${Math.random()}`));
    return json((await this.#call<wire.CheckResponse>((done) => this.#client.check(request, done))).getInputs());
  }

  async create(token: string, name: string, inputs: Bag, preview = false): Promise<Resource> {
    const checked = await this.check(token, name, inputs);
    const request = new proto.CreateRequest().setUrn(urn(token, name)).setProperties(struct(checked));
    const made = await this.#call<wire.CreateResponse>((done) =>
      this.#client.create(request.setPreview(preview), done),
    );
    return { token, name, id: made.getId(), inputs: checked, outputs: json(made.getProperties()) };
  }

  /** Kind of change by path, and whether the old object must go first. */
  async diff(resource: Resource, inputs: Bag): Promise<{ detailed: Record<string, number>; deleteFirst: boolean }> {
    const news = await this.check(resource.token, resource.name, inputs, resource.inputs);
    const request = new proto.DiffRequest().setUrn(urn(resource.token, resource.name)).setId(resource.id);
    request.setOlds(struct(resource.outputs)).setOldInputs(struct(resource.inputs)).setNews(struct(news));
    const diff = await this.#call<wire.DiffResponse>((done) => this.#client.diff(request, done));
    const detailed: Record<string, number> = {};
    diff.getDetaileddiffMap().forEach((change, path) => (detailed[path] = change.getKind()));
    return { detailed, deleteFirst: diff.getDeletebeforereplace() };
  }

  async update(resource: Resource, inputs: Bag, preview = false): Promise<Resource> {
    const news = await this.check(resource.token, resource.name, inputs, resource.inputs);
    const request = new proto.UpdateRequest().setUrn(urn(resource.token, resource.name)).setId(resource.id);
    request.setOlds(struct(resource.outputs)).setOldInputs(struct(resource.inputs)).setNews(struct(news));
    const made = await this.#call<wire.UpdateResponse>((done) =>
      this.#client.update(request.setPreview(preview), done),
    );
    return { ...resource, inputs: news, outputs: json(made.getProperties()) };
  }

  async read(resource: Pick<Resource, "token" | "name" | "id"> & Partial<Resource>): Promise<Resource> {
    const request = new proto.ReadRequest().setUrn(urn(resource.token, resource.name)).setId(resource.id);
    request.setInputs(struct(resource.inputs ?? {})).setProperties(struct(resource.outputs ?? {}));
    const found = await this.#call<wire.ReadResponse>((done) => this.#client.read(request, done));
    const { token, name } = resource;
    return { token, name, id: found.getId(), inputs: json(found.getInputs()), outputs: json(found.getProperties()) };
  }

  async delete(resource: Resource): Promise<void> {
    const request = new proto.DeleteRequest().setUrn(urn(resource.token, resource.name)).setId(resource.id);
    request.setProperties(struct(resource.outputs));
    await this.#call<empty.Empty>((done) => this.#client.delete(request, done));
  }
}

function urn(token: string, name: string): string {
  return `urn:pulumi:e2e::kubernetes-plugin::${token}::${name}`;
}

/** What a failed creation leaves in the state. */
export function leftBehind(error: grpc.ServiceError): { id: string; reasons: string[] } {
  const [details] = error.metadata.get("grpc-status-details-bin");
  const [any] = statusProto.Status.deserializeBinary(details as Buffer).getDetailsList();
  const failed = proto.ErrorResourceInitFailed.deserializeBinary(any?.getValue_asU8() ?? new Uint8Array());
  return { id: failed.getId(), reasons: failed.getReasonsList() };
}
