/** The annotation `pulumi.com/waitFor`: `jsonpath={.status.phase}=Running`, `condition=Ready`, or a JSON list of such. */
import { isBag, type Bag, type Value } from "../../serve.ts";
import { condition, ready, waiting, type Rule } from "./verdict.ts";

/** Makes a rule of the annotation; throws one sentence if it is not valid. */
export function customRule(annotation: string): Rule {
  const wishes = parseList(annotation).map(parseWish);
  return (live) => {
    const open = wishes.filter((wish) => !wish.holds(live)).map(({ text }) => text);
    return open.length === 0 ? ready() : waiting(`Waiting for ${open.join(" and ")}`);
  };
}

interface Wish {
  readonly text: string;
  holds(live: Bag): boolean;
}

function parseList(annotation: string): string[] {
  if (!annotation.trimStart().startsWith("[")) return [annotation];
  const list: unknown = JSON.parse(annotation);
  if (Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === "string")) return list as string[];
  throw new Error(`pulumi.com/waitFor must be an expression or a JSON list of expressions, got ${annotation}`);
}

function parseWish(text: string): Wish {
  if (text.startsWith("condition=")) {
    const [type = "", status = "True"] = text.slice("condition=".length).split("=");
    return { text, holds: (live) => condition(live, type)?.status.toLowerCase() === status.toLowerCase() };
  }
  const path = /^jsonpath=(\{[^}]*\}|[^=]*)(?:=(.*))?$/.exec(text);
  if (path) {
    const steps = parsePath(path[1] ?? "");
    const wanted = path[2]?.replace(/^(["'])(.*)\1$/, "$2");
    return {
      text,
      holds(live) {
        const found = steps.reduce<Value[]>((values, step) => values.flatMap(step), [live]);
        if (wanted === undefined) return found.some((value) => !isNothing(value));
        return found.length > 0 && found.every((value) => asText(value) === wanted);
      },
    };
  }
  throw new Error(`pulumi.com/waitFor must begin with jsonpath= or condition=, got ${text}`);
}

type Step = (value: Value) => Value[];

/** `{.status.conditions[?(@.type=="Ready")].status}`: fields, indices, `[*]`, and one comparison in a filter. */
export function parsePath(text: string): Step[] {
  let rest = text.replace(/^\{(.*)\}$/, "$1").replace(/^\$/, "");
  const steps: Step[] = [];
  const forms: [RegExp, (match: RegExpExecArray) => Step][] = [
    [
      /^\[\?\(?\s*@\.([\w.]+)\s*==\s*["']?([^"')\]]*)["']?\s*\)?\]/,
      ([, path = "", wanted]) => {
        const inner = path.split(".").map(field);
        return (value) =>
          items(value).filter((item) =>
            inner
              .reduce<Value[]>((values, step) => values.flatMap(step), [item])
              .some((found) => asText(found) === wanted),
          );
      },
    ],
    [/^\.?\[\*\]|^\.\*/, () => items],
    [
      /^\[(-?\d+)\]/,
      ([, index]) =>
        (value) =>
          Array.isArray(value) ? value.slice(Number(index)).slice(0, 1) : [],
    ],
    [/^\[["']([^"']+)["']\]/, ([, name = ""]) => field(name)],
    [/^\.?((?:[^.[\\]|\\.)+)/, ([, name = ""]) => field(name.replace(/\\(.)/g, "$1"))],
  ];
  while (rest !== "") {
    const form = forms.map(([pattern, make]) => ({ match: pattern.exec(rest), make })).find(({ match }) => match);
    if (!form?.match) throw new Error(`pulumi.com/waitFor has a path that cannot be read at ${rest}: ${text}`);
    steps.push(form.make(form.match));
    rest = rest.slice(form.match[0].length);
  }
  return steps;
}

function field(name: string): Step {
  return (value) => {
    const found = isBag(value) ? value[name] : undefined;
    return found === undefined ? [] : [found];
  };
}

function items(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  return isBag(value) ? Object.values(value) : [];
}

function isNothing(value: Value): boolean {
  return value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

function asText(value: Value): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
