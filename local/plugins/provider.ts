/** What a resource provider has to offer, in plain values. See {@link serve} in serve.ts for how it is served. */
import type { Bag, Path } from "./bag.ts";

/** What every call is given besides its own arguments. */
export interface Call {
  /** The resource; empty for configuration and functions. */
  readonly urn: string;
  /** Type token, such as `kubernetes:apps/v1:Deployment`. */
  readonly type: string;
  /** Name in the program. */
  readonly name: string;
  /** Fires when the user interrupts; the call then ends soon and says in what state it leaves the resource. */
  readonly signal: AbortSignal;
  /** Shows what the resource is doing right now, in its line of the progress display. */
  readonly status: (message: string) => void;
  readonly log: (severity: "debug" | "info" | "warning" | "error", message: string) => void;
}

export interface CheckRequest {
  /** Inputs of the last update, `{}` for a new resource. */
  readonly olds: Bag;
  readonly news: Bag;
  /** What the stack's `pulumi:autonaming` setting wants. */
  readonly autonaming?: { readonly mode: "propose" | "enforce" | "disable"; readonly proposedName: string };
  /** Random bytes that are the same in the preview and in the update that follows it. */
  readonly randomSeed: Buffer;
}
export interface CheckResult {
  readonly inputs: Bag;
  /** Places in the inputs that are secret besides those that the program has marked. */
  readonly secrets?: readonly Path[];
  readonly failures?: readonly { readonly property: string; readonly reason: string }[];
}

export interface DiffRequest {
  readonly id: string;
  readonly oldOutputs: Bag;
  readonly oldInputs: Bag;
  readonly news: Bag;
  readonly ignoreChanges: readonly string[];
}
export type DiffKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";
export interface DiffResult {
  /** Path of the property (see `formatPath`) and what happens to it. Empty: nothing changes. */
  readonly detailed: Readonly<Record<string, DiffKind>>;
  /**
   * Which of the paths are seen by comparing with the old inputs; others are differences to the live state.
   * @default - all of them
   */
  readonly inputDiff?: ReadonlySet<string>;
  /** @default false */
  readonly deleteBeforeReplace?: boolean;
}

export interface CreateRequest {
  readonly inputs: Bag;
  /** Nothing may be changed; the result may hold `unknown`. */
  readonly preview: boolean;
  /** The `customTimeouts` option, 0 if not set. */
  readonly timeoutSeconds: number;
  /** Where the inputs hold secrets. The same places in the outputs are secret without more ado. */
  readonly secrets: readonly Path[];
}
export interface UpdateRequest extends CreateRequest {
  readonly id: string;
  readonly oldOutputs: Bag;
  readonly oldInputs: Bag;
  readonly ignoreChanges: readonly string[];
}
export interface ReadRequest {
  readonly id: string;
  /** State and inputs of the last update; both `{}` for an import. */
  readonly outputs: Bag;
  readonly inputs: Bag;
  /** Where the old inputs and outputs hold secrets; these places stay secret. */
  readonly secrets: readonly Path[];
}
export interface DeleteRequest {
  readonly id: string;
  readonly outputs: Bag;
  readonly oldInputs: Bag;
  readonly timeoutSeconds: number;
}
export interface State {
  readonly outputs: Bag;
  /** Places in the outputs that are secret besides those that were secret in the inputs. */
  readonly secrets?: readonly Path[];
}

/** A resource provider. Errors that it throws reach the user as their message, so make it one clear sentence. */
export interface Provider {
  /** As in the folder name of the plugin. */
  readonly version: string;
  checkConfig?(request: { readonly olds: Bag; readonly news: Bag }, call: Call): Promise<CheckResult>;
  diffConfig?(request: { readonly olds: Bag; readonly news: Bag }, call: Call): Promise<DiffResult>;
  configure?(config: Bag, call: Call): Promise<void>;
  check(request: CheckRequest, call: Call): Promise<CheckResult>;
  diff(request: DiffRequest, call: Call): Promise<DiffResult>;
  /** Throw {@link InitError} if the resource exists now but is of no use. The id is ignored in a preview. */
  create(request: CreateRequest, call: Call): Promise<State & { readonly id: string }>;
  update(request: UpdateRequest, call: Call): Promise<State>;
  /** Undefined if the resource is gone. The inputs are those that would create what is there. */
  read(request: ReadRequest, call: Call): Promise<(State & { readonly id: string; readonly inputs: Bag }) | undefined>;
  delete(request: DeleteRequest, call: Call): Promise<void>;
  invoke?(request: { readonly token: string; readonly args: Bag }, call: Call): Promise<Bag>;
}

/** The resource was created or updated but did not become ready: it stays in the state, marked as such. */
export class InitError extends Error {
  readonly id: string;
  readonly state: State & { readonly inputs?: Bag };
  readonly reasons: readonly string[];

  constructor(message: string, id: string, state: State & { readonly inputs?: Bag }, reasons: readonly string[] = []) {
    super(message);
    this.name = "InitError";
    this.id = id;
    this.state = state;
    this.reasons = reasons.length > 0 ? reasons : [message];
  }
}
