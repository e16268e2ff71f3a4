/** The types of `rules.js`, for tests. */
interface Bounds {
  readonly negativeSeconds: number;
  readonly maxStaleWhileRevalidateSeconds: number;
  readonly maxStaleIfErrorSeconds: number;
}
interface Headers {
  readonly cacheControl?: string | undefined;
  readonly expires?: string | undefined;
  readonly date?: string | undefined;
  readonly age?: string | undefined;
  readonly vary?: string | undefined;
  readonly hasCookie?: boolean | undefined;
}
declare const rules: {
  readonly lifetime: (
    status: number,
    headers: Headers,
    bounds: Bounds,
    now: number,
  ) => { fresh: number; age: number; whileRevalidate: number; ifError: number };
  readonly directives: (header: string | undefined) => Record<string, string | true>;
  readonly remainingVary: (vary: string | undefined) => string;
  readonly cacheStatus: (
    name: string,
    outcome: string,
    status: number,
    remaining: number | undefined,
    stored: boolean,
    method: string,
    isAsked: boolean,
  ) => string;
  readonly cacheFile: (folder: string, key: string) => string;
  readonly parsePurge: (text: string) => { kind?: string; value?: string; problem?: string };
};
export default rules;
