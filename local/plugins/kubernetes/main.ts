/**
 * A stand-in for Pulumi's official Kubernetes plugin (`pulumi-resource-kubernetes`).
 *
 * Used only by the local kit, and only where the official plugin can neither be found nor downloaded: on a machine
 * without the internet, in a closed CI. With the official plugin on hand this code does not run. What a program gets in
 * the cluster, in the preview and in the state is meant to be the same with both; where it is not, this one is wrong.
 * It has no Helm releases, no `…Patch` resources, no YAML or Kustomize components and no rendering to files.
 */
import { serve } from "../serve.ts";
import { KubernetesProvider } from "./provider.ts";

/** The version whose place it takes. */
const version = "4.32.0";

await serve(new KubernetesProvider(version));
