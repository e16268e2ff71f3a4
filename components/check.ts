import * as pulumi from "@pulumi/pulumi";

/** What JSON and YAML call an object and a map. */
export type Bag = Readonly<Record<string, unknown>>;

export const isBag = (value: unknown): value is Bag =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A sentence on why `value` is not an integer from `minimum` to `maximum`; none if it is one. */
export function checkInteger(property: string, value: unknown, minimum: number, maximum: number): string[] {
  const isFine = typeof value === "number" && Number.isInteger(value) && value >= minimum && value <= maximum;
  return isFine ? [] : [`${property} must be an integer from ${minimum} to ${maximum}, got ${show(value)}`];
}

/** A sentence on why `value` is not one of `allowed`; none if it is. */
export function checkOneOf(property: string, value: unknown, allowed: readonly unknown[]): string[] {
  return allowed.includes(value)
    ? []
    : [`${property} must be one of ${allowed.map(show).join(", ")}, got ${show(value)}`];
}

/** A sentence on why `value` does not match `pattern`, which `rule` says in words; none if it does. */
export function checkPattern(property: string, value: unknown, pattern: RegExp, rule: string): string[] {
  return typeof value === "string" && pattern.test(value) ? [] : [`${property} must be ${rule}, got ${show(value)}`];
}

/** A sentence for each of `values` that comes more than once. */
export function checkUnique(property: string, values: readonly unknown[]): string[] {
  const repeated = new Set(values.filter((value, index) => values.indexOf(value) !== index));
  return [...repeated].map((value) => `${property} must each be given once, got ${show(value)} twice or more`);
}

/**
 * A sentence on why `value` cannot name a component: its children's names are longer by up to 20 characters, and
 * Kubernetes allows 63 in all.
 */
export function checkName(property: string, value: unknown): string[] {
  const rule = `1 to 40 lower-case letters, digits and "-", beginning with a letter and not ending with "-"`;
  return checkPattern(property, value, /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/, rule);
}

/** A sentence on why `value` is not a label's value, such as a region's name; none if it is. */
export function checkLabelValue(property: string, value: unknown): string[] {
  const rule = `1 to 63 letters, digits, "-", "_" and ".", beginning and ending with a letter or digit`;
  return checkPattern(property, value, /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/, rule);
}

/** Ends the program with all `problems`, without a stack trace, in the name of `resource`; does nothing without any. */
export function refuse(problems: readonly string[], resource: pulumi.Resource): void {
  if (problems.length > 0) {
    throw new pulumi.ResourceError(problems.join("\n"), resource, true);
  }
}

/** `input` itself, after a check: at once if it is a plain value, as soon as it is known if it is an `Output`. */
export function validated(
  input: pulumi.Input<string>,
  check: (value: string) => string[],
  resource: pulumi.Resource,
): pulumi.Output<string> {
  const checked = (value: string) => {
    refuse(check(value), resource);
    return value;
  };
  return typeof input === "string" ? pulumi.output(checked(input)) : pulumi.output(input).apply(checked);
}

/** A value as it reads in a sentence. */
export function show(value: unknown): string {
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
}
