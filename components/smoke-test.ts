import { readFileSync } from "node:fs";

import type { types } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { checkInteger, checkPattern, show } from "./check.ts";
import { oneOffSpec } from "./one-off.ts";
import type { PodOptions } from "./pod-spec.ts";

/**
 * What asks the new release before it gets any traffic: a Job, so that it runs where the preview Service can be reached, is
 * part of `pulumi preview`, and leaves its log behind when it fails.
 */
export type SmokeTest = (SmokeTestCommand | SmokeTestExpectations) & {
  /**
   * The image that holds the program.
   *
   * @default - the image of the service
   */
  readonly image?: pulumi.Input<string>;
  /**
   * Seconds that it may take in all, up to three attempts included.
   *
   * @default 60
   */
  readonly timeoutSeconds?: number;
};

/** A program of one's own. */
export interface SmokeTestCommand {
  /** The program and its arguments; it succeeds by exit code 0. PREVIEW_URL in its environment says whom to ask. */
  readonly command: readonly string[];
}

/** Requests, asked one after the other by `node`, which the image has to hold. */
export interface SmokeTestExpectations {
  readonly expect: readonly HttpExpectation[];
}

/** A GET request and what its answer has to be. */
export interface HttpExpectation {
  /** Path and query, such as `/search?q=shoes`. */
  readonly path: string;
  /**
   * Headers to send.
   *
   * @default {}
   */
  readonly requestHeaders?: Readonly<Record<string, string>>;
  /**
   * The status. Redirects are not followed.
   *
   * @default 200
   */
  readonly status?: number;
  /**
   * Headers of the answer, each as a regular expression that matches some part of it.
   *
   * @default {}
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * A regular expression that matches some part of the answer's first 1000 characters.
   *
   * @default - any body
   */
  readonly body?: string;
}

const client = readFileSync(new URL("smoke-test-client.js", import.meta.url), "utf8");

/** The Job that tests a release at `previewUrl`; `labels` name the release, so that each gets a run of its own. */
export function smokeTestSpec(
  test: SmokeTest,
  pod: PodOptions,
  previewUrl: pulumi.Input<string>,
  labels: Readonly<Record<string, pulumi.Input<string>>>,
): types.input.batch.v1.JobSpec {
  const { image = pod.image, timeoutSeconds = 60 } = test;
  const [command, expectations] =
    "command" in test
      ? [test.command, []]
      : [
          ["node", "--input-type=module", "--eval", client],
          [{ name: "EXPECTATIONS", value: JSON.stringify(test.expect) }],
        ];
  const env = [{ name: "PREVIEW_URL", value: previewUrl }, ...expectations];
  return oneOffSpec({ name: "smoke-test", image, command, env, timeoutSeconds }, pod, labels);
}

/** Sentences on a test that tests nothing, or that nothing could pass. */
export function checkSmokeTest(test: SmokeTest | undefined): string[] {
  if (test === undefined) return [];
  const { command, expect } = test as Partial<SmokeTestCommand & SmokeTestExpectations>;
  const target =
    (command === undefined) === (expect === undefined)
      ? [`release.smokeTest must have either command or expect, got ${show(test)}`]
      : [
          ...(command?.length === 0 ? ["release.smokeTest.command must name a program, got []"] : []),
          ...(expect?.length === 0 ? ["release.smokeTest.expect must hold at least one request, got []"] : []),
        ];
  return [
    ...target,
    ...checkInteger("release.smokeTest.timeoutSeconds", test.timeoutSeconds ?? 60, 1, 3600),
    ...(expect ?? []).flatMap((expectation, index) =>
      checkExpectation(`release.smokeTest.expect[${index}]`, expectation),
    ),
  ];
}

function checkExpectation(property: string, { path, status = 200, headers = {}, body }: HttpExpectation): string[] {
  const patterns = [
    ...Object.entries(headers).map(([name, pattern]) => [`headers.${name}`, pattern] as const),
    ...(body === undefined ? [] : [["body", body] as const]),
  ];
  return [
    ...checkPattern(
      `${property}.path`,
      path,
      /^\/[\x21-\x7e]*$/,
      'a path with a "/" at its beginning, such as "/login"',
    ),
    ...checkInteger(`${property}.status`, status, 200, 599),
    ...patterns.flatMap(([name, pattern]) =>
      isRegularExpression(pattern) ? [] : [`${property}.${name} must be a regular expression, got ${show(pattern)}`],
    ),
  ];
}

function isRegularExpression(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
