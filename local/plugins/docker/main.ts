/**
 * Stand-in for the plugin of `@pulumi/docker` 5.2.0, for machines that cannot download the official one.
 *
 * It is used only by the local kit, from a `PULUMI_HOME` of the kit's own. It speaks the Docker Engine API with the engine
 * at `DOCKER_HOST`, in a context, or wherever the provider's `host` says, and knows the resources that this program uses;
 * of their arguments it refuses those that it does not know. It cannot import.
 */

import { serve } from "../serve.ts";
import { dockerPlugin } from "./provider.ts";

await serve(dockerPlugin());
