/**
 * Stand-in for the plugin of `@pulumi/docker-build` 0.0.22, for machines that cannot download the official one.
 *
 * It is used only by the local kit, from a `PULUMI_HOME` of the kit's own, and only where the official plugin is not to be
 * had or there is no Docker engine for it to drive. Anywhere else it never runs. The program is the same for both.
 *
 * It builds with `buildctl` (from PATH) on the BuildKit daemon at `BUILDKIT_HOST`. What it cannot do it refuses in
 * `check`: forwarding an SSH agent, loading into a Docker daemon, importing, and the resource `Index`. `builder` and
 * `exec` have no meaning here and are ignored.
 */

import { serve } from "../serve.ts";
import { dockerBuild } from "./provider.ts";

await serve(dockerBuild);
