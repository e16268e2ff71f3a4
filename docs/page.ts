/** What a page in Markdown says that can be checked or run. */
import { readFileSync } from "node:fs";

import GithubSlugger from "github-slugger";
import type { Code, Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { toString } from "mdast-util-to-string";
import { visit } from "unist-util-visit";

/** A command that a page shows with what it prints, in a block ```console run, or that prepares for the next. */
export interface Step {
  readonly command: string;
  /** Whether a failure is what the page is about: `console run fails`. */
  readonly fails: boolean;
  /** Where in the page the output stands; none for a command in a comment. */
  readonly output: { readonly start: number; readonly end: number } | undefined;
}

/** A page in Markdown. */
export class Page {
  readonly file: string;
  readonly text: string;
  readonly #root: Root;

  constructor(file: string, text = readFileSync(file, "utf8")) {
    this.file = file;
    this.text = text;
    this.#root = fromMarkdown(text);
  }

  /** What is run to write the page, in its order. */
  get steps(): Step[] {
    return this.#all("code", "html").flatMap((node) => {
      if (node.type === "html") {
        const [, command] = /^<!-- run: (.*) -->$/s.exec(node.value) ?? [];
        return command === undefined ? [] : [{ command, fails: false, output: undefined }];
      }
      const [run, ...more] = (node as Code).meta?.split(" ") ?? [];
      return node.lang === "console" && run === "run" ? [this.#step(node, more.includes("fails"))] : [];
    });
  }

  /** Commands that are shown and not run, block by block. */
  get notRun(): string[] {
    const isRun = ({ meta }: Code): boolean => meta?.split(" ")[0] === "run";
    return this.#all("code").flatMap((node) => (node.lang === "console" && !isRun(node) ? [node.value] : []));
  }

  #step(node: Code, fails: boolean): Step {
    // A command goes on in the next line after a backslash.
    const [prompt] = /^\$ (?:[^\n]*\\\n)*[^\n]*/.exec(node.value) ?? [];
    const { start, end } = node.position!;
    if (prompt === undefined) {
      throw new Error(`${this.file}:${start.line}: a block to run begins with "$ " and a command.`);
    }
    const content = this.text.indexOf("\n", start.offset) + 1;
    const fence = this.text.lastIndexOf("\n", end.offset! - 1);
    return { command: prompt.slice(2), fails, output: { start: content + prompt.length, end: fence } };
  }

  /** The page with these outputs in the place of those that it has, in the order of its steps. */
  with(outputs: readonly string[]): string {
    let [text, at] = ["", 0];
    for (const [index, { output }] of this.steps.entries()) {
      if (output === undefined) continue;
      text += `${this.text.slice(at, output.start)}${outputs[index] === "" ? "" : `\n${outputs[index]}`}`;
      at = output.end;
    }
    return text + this.text.slice(at);
  }

  /** Programs in TypeScript: a block with an import begins one, the blocks after it go on with it. */
  get programs(): { readonly line: number; readonly text: string }[] {
    const programs: { line: number; text: string }[] = [];
    for (const node of this.#all("code")) {
      if (node.lang !== "ts") continue;
      const last = programs.at(-1);
      if (last === undefined || /^import /m.test(node.value)) {
        programs.push({ line: node.position!.start.line, text: node.value });
      } else {
        last.text += `\n${node.value}`;
      }
    }
    return programs;
  }

  get headings(): string[] {
    return this.#all("heading").map((heading) => toString(heading));
  }

  /** What a link can name after #, as GitHub makes it of the headings. */
  get anchors(): Set<string> {
    const slugger = new GithubSlugger();
    return new Set(this.headings.map((heading) => slugger.slug(heading)));
  }

  /** Where links and pictures lead that are no addresses of other sites. */
  get links(): string[] {
    const urls = this.#all("link", "image", "definition").map(({ url }) => url);
    return urls.filter((url) => !/^[a-z]+:/i.test(url));
  }

  #all<Kind extends Nodes["type"]>(...kinds: Kind[]): Extract<Nodes, { type: Kind }>[] {
    const found: Nodes[] = [];
    visit(this.#root, (node) => void (kinds.includes(node.type as Kind) && found.push(node)));
    return found as Extract<Nodes, { type: Kind }>[];
  }
}
