import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";
import { parse } from "yaml";

import { Page } from "../docs/page.ts";
import { choosePages, fromTour, toTour } from "../docs/run.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = globSync("**/*.md", { cwd: root, exclude: (path) => /^(node_modules|out|\..*)$/.test(path) }).sort();
const pages = files.map((file) => new Page(join(root, file)));
const name = (page: Page): string => relative(root, page.file);
const read = (file: string): string => readFileSync(join(root, file), "utf8");

describe("the pages in Markdown", () => {
  it("link to what is there, files and headings", () => {
    const broken = pages.flatMap((page) =>
      page.links
        .filter((link) => {
          const [path = "", anchor] = link.split("#").map(decodeURIComponent);
          const file = path === "" ? page.file : join(dirname(page.file), path);
          if (!existsSync(file)) return true;
          return anchor !== undefined && !(file.endsWith(".md") && new Page(file).anchors.has(anchor));
        })
        .map((link) => `${name(page)}: ${link}`),
    );
    assert.deepEqual(broken, []);
  });

  it("hold programs that compile, with the project's own settings", function () {
    this.timeout(60_000);
    const programs = pages.flatMap((page) =>
      page.programs.map(({ line, text }, index) => {
        // Imports are from the repository's root, where a reader's program stands; the lines are the page's.
        const file = join(root, `${name(page).replaceAll("/", "-")}-${index + 1}.ts`);
        return { file, text, where: `${name(page)}:${line}` };
      }),
    );
    assert.ok(programs.length > 0);
    assert.deepEqual(compile(programs), []);
  });

  it("name scripts of package.json and keys of Pulumi.yaml only", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const { config } = parse(read("Pulumi.yaml")) as { config: Record<string, unknown> };
    const unknown = pages.flatMap((page) => [
      ...found(page, /\bnpm run (?:-s |--silent )?([\w:-]+)/g).filter((script) => !Object.hasOwn(scripts, script)),
      ...found(page, /\bconfig (?:set|get|rm) (?:--(?:path|plaintext|secret) )*['"]?(\w+)/g).filter(
        (key) => !Object.hasOwn(config, key),
      ),
    ]);
    assert.deepEqual(unknown, []);
  });
});

describe("the tour", () => {
  const tour = pages.filter((page) => name(page).startsWith("docs/tour/"));

  it("tells on each page how it is done by hand, how here, what is seen, and what to try next", () => {
    assert.ok(tour.length > 0);
    for (const page of tour) {
      const [title, ...headings] = page.headings;
      assert.ok(title !== undefined && title.length > 0, name(page));
      assert.deepEqual(
        headings.filter((heading) => ["By hand", "Here", "What you see", "Try next"].includes(heading)),
        ["By hand", "Here", "What you see", "Try next"],
        name(page),
      );
    }
  });

  it("shows on each page what a real run has printed, and no other output", () => {
    for (const page of tour) {
      const outputs = page.steps.flatMap(({ output }) => output && page.text.slice(output.start, output.end).trim());
      assert.ok(outputs.filter(Boolean).length > 0, name(page));
    }
    const printed = pages.flatMap((page) =>
      page.notRun
        .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
        .filter((line) => !line.startsWith("$ "))
        .map((line) => `${name(page)}: ${line}`),
    );
    assert.deepEqual(printed, []);
  });

  it("runs the pages that are named, and refuses what is none", () => {
    assert.deepEqual(choosePages(["rolling", "replicas"]).map(name), ["docs/tour/replicas.md", "docs/tour/rolling.md"]);
    assert.throws(
      () => choosePages(["roling"]),
      /^Error: there is no page "roling" that runs something; there are .*rolling/,
    );
  });

  it("has a page for each row of the README's table", () => {
    const [table = ""] = /^\| try(.*\n)*?\n/m.exec(read("README.md")) ?? [];
    const rows = table.split("\n").slice(2).filter(Boolean);
    assert.ok(rows.length > 0);
    const without = rows.filter((row) => !/^\| \[[^\]]+\]\(docs\//.test(row)).map((row) => row.split("|")[1]?.trim());
    assert.deepEqual(without, ["use your own shell", "clean up"]);
  });

  it("has every page in its index", () => {
    const index = new Page(join(root, "docs/README.md"));
    const linked = index.links.map((link) => join("docs", link));
    const guides = pages.filter((page) => name(page).startsWith("docs/") && page.file !== index.file);
    assert.deepEqual(
      guides.map(name).filter((file) => !linked.includes(file)),
      [],
    );
  });
});

describe("a page's steps", () => {
  const fence = "```";
  const text = [
    "# Page",
    "<!-- run: prepare -->",
    "",
    `${fence}console run`,
    "$ first \\",
    "    --long",
    "$ old output",
    fence,
    `${fence}console`,
    "$ not run",
    fence,
    `${fence}console run fails`,
    "$ second",
    fence,
    "",
  ].join("\n");

  it("are the commands in comments and in blocks to run", () => {
    const steps = new Page("page.md", text).steps;
    assert.deepEqual(
      steps.map(({ command, fails }) => [command, fails]),
      [
        ["prepare", false],
        ["first \\\n    --long", false],
        ["second", true],
      ],
    );
  });

  it("get new outputs below their commands, and nothing else is changed", () => {
    const page = new Page("page.md", text);
    const changed = page.with(["ignored", "$ new\noutput", ""]);
    assert.equal(changed, text.replace("$ old output", "$ new\noutput"));
    assert.equal(new Page("page.md", changed).with(["", "$ old output", ""]), text);
  });

  it("are refused without a command", () => {
    const page = new Page("page.md", `text\n\n${fence}console run\noutput\n${fence}\n`);
    assert.throws(() => page.steps, new Error('page.md:3: a block to run begins with "$ " and a command.'));
  });

  it("run on a stack of their own, and read as if it were the user's", () => {
    const command =
      "curl localhost:8888; kubectl -n meridian get pods; npm run kubectl -- get pods --namespace meridian " +
      "--as system:serviceaccount:meridian:default";
    assert.equal(
      toTour(command),
      "curl localhost:18888; kubectl -n tour get pods; npm run kubectl -- get pods --namespace tour " +
        "--as system:serviceaccount:tour:default",
    );
    assert.equal(
      fromTour(
        "Updating (tour):\n +  pulumi:pulumi:Stack meridian-tour created  \n\x1b[31mtour/hello 18888\x1b[0m\n\n",
      ),
      "Updating (dev):\n +  pulumi:pulumi:Stack meridian-dev created\nmeridian/hello 8888",
    );
  });
});

function found(page: Page, pattern: RegExp): string[] {
  return [...page.text.matchAll(pattern)].map(([, word]) => word!);
}

/** What the compiler says of programs that are in no file. */
function compile(programs: readonly { file: string; text: string; where: string }[]): string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (file) => ts.sys.readFile(file)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  // A page may show the beginning of a program.
  const settings = { ...options, incremental: false, noUnusedLocals: false };
  delete settings.tsBuildInfoFile;
  const host = ts.createCompilerHost(settings);
  const texts = new Map(programs.map(({ file, text }) => [file, text]));
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = texts.get(file);
    return text === undefined ? getSourceFile(file, version, ...rest) : ts.createSourceFile(file, text, version, true);
  };
  const program = ts.createProgram([...texts.keys()], settings, host);
  return programs.flatMap(({ file, where }) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${where}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`,
    );
  });
}
