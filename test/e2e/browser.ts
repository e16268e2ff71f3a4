/** A real browser, and what people who use it would see go wrong. */
import axe from "axe-core";
import assert from "node:assert/strict";
import { type Browser, chromium, type Page } from "playwright-core";
import { which } from "../../local/debian.ts";

export const sizes = {
  phone: { width: 375, height: 812 },
  desktop: { width: 1280, height: 800 },
} as const;

export function launch(): Promise<Browser> {
  const executablePath = which("chromium") ?? assert.fail("chromium is missing: npm run e2e installs it");
  // Only pages of this repository are opened, and Chromium's sandbox does not run as root.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** A page, and what it has complained about and asked for. */
export async function open(
  browser: Browser,
  url: string,
  options: { readonly size?: keyof typeof sizes; readonly colorScheme?: "light" | "dark" } = {},
): Promise<{ page: Page; complaints: string[]; hosts: Set<string> }> {
  const { size = "desktop", colorScheme = "light" } = options;
  const page = await browser.newPage({
    viewport: sizes[size],
    colorScheme,
    deviceScaleFactor: size === "phone" ? 2 : 1,
  });
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => hosts.add(new URL(request.url()).host));
  await page.goto(url);
  return { page, complaints, hosts };
}

/** What axe finds, one line for each kind of violation. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = (await page.evaluate("axe.run()")) as axe.AxeResults;
  assert.ok(found.passes.length > 10, "axe has hardly looked at anything");
  return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** What the page has counted, read at one moment: a page that is drawn between two reads would not add up. */
export async function tallyOf(page: Page): Promise<{ sent: number; answered: number; failed: number; sums: number[] }> {
  return page.evaluate(`
    const numbers = (selector) => [...document.querySelectorAll(selector)].map((each) => Number(each.textContent));
    const sum = (selector) => numbers(selector).reduce((total, each) => total + each, 0);
    const [sent, answered, failed] = ["#sent", "#answered", "#failed"].map(sum);
    ({ sent, answered, failed, sums: [sum("#replicas .count"), sum("#regions .count")] });
  `);
}

/** The number that an element shows. */
export const numberIn = async (page: Page, selector: string): Promise<number> =>
  Number(await page.locator(selector).textContent());

/** The counts of a list of bars. */
export const countsIn = async (page: Page, list: string): Promise<number[]> =>
  (await page.locator(`${list} .count`).allTextContents()).map(Number);

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
