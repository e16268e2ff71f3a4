import type { Bag } from "../bag.ts";
import type { Call } from "../provider.ts";
import type { Engine } from "./engine.ts";

/** One of the plugin's resources: how Docker makes it of the inputs, and what of them can change while it lives. */
export interface Kind {
  /** Inputs that it takes; others are refused. */
  readonly inputs: readonly string[];
  /** Those of them that change in place; any other change is a replacement. */
  readonly inPlace: readonly string[];
  /** Whether a name is made up where none is given. */
  readonly isNamed: boolean;
  /** Outputs besides the inputs that are known after the update only. */
  readonly results: readonly string[];
  create(engine: Engine, inputs: Bag, call: Call): Promise<Made>;
  /** Changes what is `inPlace`; left out where nothing of that concerns Docker. */
  update?(engine: Engine, id: string, inputs: Bag, call: Call): Promise<Bag>;
  /** What only Docker knows of it, or undefined if it is gone. */
  read(engine: Engine, id: string, outputs: Bag): Promise<Bag | undefined>;
  delete(engine: Engine, id: string, outputs: Bag, call: Call): Promise<void>;
}

export interface Made {
  readonly id: string;
  readonly results: Bag;
}
