/** The types of `purges.js`, for tests. */
interface Request {
  readonly method: string;
  readonly requestText: string;
  readonly headersIn: Readonly<Record<string, string>>;
  readonly headersOut: Record<string, string>;
  readonly variables: Readonly<Record<string, string>>;
  readonly return: (status: number, text: string) => void;
}
declare const purges: {
  readonly generation: (request: Pick<Request, "variables">) => string;
  readonly note: (path: string, tags: readonly string[], began: number) => void;
  readonly purge: (request: Request) => void;
  readonly tagsOf: (text: string | undefined) => string[];
};
export default purges;
