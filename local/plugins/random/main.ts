/**
 * Stand-in for the plugin of `@pulumi/random` 4.21.2, for machines that cannot download the official one.
 *
 * It is used only by the local kit, from a `PULUMI_HOME` of the kit's own, and only where the official plugin is neither
 * installed nor to be had; with the official plugin at hand, this one never runs. The program is the same for both.
 *
 * All values come from the system's cryptographic generator. Two differences to the official plugin remain: RandomPet
 * has a word list of its own, and a `seed` leads to other values.
 */

import { serve } from "../serve.ts";
import { random } from "./provider.ts";

await serve(random);
