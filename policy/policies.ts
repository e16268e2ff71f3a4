import type { ReportViolation, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";

import type { Resource } from "./pod.ts";
import {
  digestsOnly,
  isProduction,
  limitsSet,
  noLatest,
  nonRoot,
  noPlainSecrets,
  sourceRanges,
  twoReplicas,
} from "./rules.ts";

/** The rules as CrossGuard runs them. */
export const policies: readonly (ResourceValidationPolicy | StackValidationPolicy)[] = [
  forEachResource("no-latest", "Images have a version.", noLatest),
  forEachResource("digests-only", "Images are named by digest.", digestsOnly),
  forEachResource("limits-set", "Containers request CPU and memory, and have limits of both.", limitsSet),
  forEachResource("non-root", "Containers run as another user than root, and stay so.", nonRoot),
  forEachResource("no-plain-secrets", "Passwords, tokens and keys are kept in Secrets.", noPlainSecrets),
  forEachResource(
    "source-ranges",
    "In production, load balancers let in only addresses that are named.",
    sourceRanges,
    isProduction,
  ),
  {
    name: "two-replicas",
    description: "In production, Deployments have two replicas or more.",
    enforcementLevel: "mandatory",
    validateStack: ({ resources }, report) => {
      const [first] = resources;
      if (first !== undefined && isProduction(stackOf(first.urn))) {
        reportAll(twoReplicas(resources), report);
      }
    },
  },
];

/** A policy that reports what `rule` says of each resource, in the stacks that it is meant for. */
function forEachResource(
  name: string,
  description: string,
  rule: (resource: Resource) => string[],
  isMeant: (stack: string) => boolean = () => true,
): ResourceValidationPolicy {
  return {
    name,
    description,
    enforcementLevel: "mandatory",
    validateResource: (resource, report) => {
      if (isMeant(stackOf(resource.urn))) {
        reportAll(rule(resource), report);
      }
    },
  };
}

function reportAll(problems: readonly string[], report: ReportViolation): void {
  for (const problem of problems) {
    report(problem);
  }
}

/** The stack that a resource belongs to, `urn:pulumi:<stack>::<project>::…`. */
function stackOf(urn: string): string {
  return urn.split("::", 1)[0]!.slice("urn:pulumi:".length);
}
