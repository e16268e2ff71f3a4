import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { repository } from "../../local/paths.ts";
import { countsIn, launch, numberIn, open, sizes, sum, tallyOf, violations } from "./browser.ts";
import { Site } from "./page-site.ts";
import { until } from "./support.ts";

const regions = ["eu", "us", "ap"];
const pictures = join(repository, "out", "page");

describe("the page in a browser", () => {
  let site: Site;
  let browser: Browser;
  let older: number[];
  let newer: number[];

  before(async () => {
    mkdirSync(pictures, { recursive: true });
    site = await Site.start();
    [older, newer, browser] = await Promise.all([
      site.release("v0.0.1", regions),
      site.release("v0.0.2", regions),
      launch(),
    ]);
  });
  beforeEach(() => {
    site.replicas = older;
    site.isOriginDown = false;
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  after(async () => {
    await browser?.close();
    site?.stop();
  });

  it("says which replica, region, version and cache have answered", async () => {
    const { page } = await open(browser, site.url);
    await page.getByText("Ready. Send a request").waitFor();
    const text = (id: string) => page.locator(`#${id}`).textContent();
    assert.match((await text("name"))!, /^[0-9A-Za-z]{10}$/);
    assert.ok(regions.includes((await text("region"))!));
    assert.equal(await text("version"), "v0.0.1");
    assert.equal(await text("cache"), "edge-eu; fwd=uri-miss; fwd-status=200");
    await until("the page's own cache", async () => (await text("page-cache")) === "edge-eu; hit; ttl=4");
  });

  it("draws 100 requests as bars that add up, with the keyboard alone", async () => {
    const { page, complaints, hosts } = await open(browser, site.url);
    await page.getByText("Ready. Send a request").waitFor();
    const focus = () => page.evaluate("document.activeElement.id");
    for (const id of ["one", "hundred", "steady", "clear", "rate", "what"]) {
      await page.keyboard.press("Tab");
      assert.equal(await focus(), id);
      const outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle");
      assert.equal(outline, "solid", `the focus on ${id} can be seen`);
    }
    for (let back = 0; back < 4; back++) await page.keyboard.press("Shift+Tab");
    assert.equal(await focus(), "hundred");
    await page.keyboard.press("Enter");
    await page.getByText(/^100 of 100 answered\. 3 replicas so far: /).waitFor();
    await until("the bars", async () => sum(await countsIn(page, "#replicas")) === 100);
    assert.equal((await countsIn(page, "#replicas")).length, 3);
    assert.equal((await countsIn(page, "#regions")).length, 3);
    for (const list of ["#regions", "#caches"]) assert.equal(sum(await countsIn(page, list)), 100);
    assert.deepEqual(await page.locator("#latency .label").allTextContents(), ["p50 ", "p90 ", "p99 ", "slowest "]);
    const widths = (className: string) =>
      page.evaluate(`[...document.querySelectorAll("#replicas .${className}")].map((each) => each.offsetWidth)`);
    await until("a bar of full length", async () => {
      return Math.max(...((await widths("fill")) as number[])) === ((await widths("track")) as number[])[0];
    });
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await until("steady requests", async () => (await numberIn(page, "#answered")) > 102);
    await page.keyboard.press("Space");
    await page.getByText("Stopped.").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await until("zero", async () => (await numberIn(page, "#sent")) === 0);
    assert.deepEqual([complaints, [...hosts]], [[], [new URL(site.url).host]]);
  });

  it("shows what the cache does for the page, if that is what it asks for", async () => {
    const { page } = await open(browser, site.url);
    await page.selectOption("#what", "page");
    await page.getByRole("button", { name: "Send 100" }).click();
    await page.getByText(/^100 of 100 answered/).waitFor();
    await page.locator("#caches", { hasText: "edge-eu: hit" }).waitFor();
    await until("all of them to be drawn", async () => sum(await countsIn(page, "#caches")) === 100);
    assert.deepEqual(await countsIn(page, "#caches"), [100]);
  });

  it("is all there, and no wider than the screen, on a phone and a desktop, in light and dark", async () => {
    const found: string[] = [];
    const looks = Object.keys(sizes).flatMap((size) =>
      (["light", "dark"] as const).map((colorScheme) => ({ size: size as keyof typeof sizes, colorScheme })),
    );
    // Together, since a release that is half done takes its time.
    await Promise.all(
      looks.map(async ({ size, colorScheme }) => {
        const { page } = await open(browser, site.url, { size, colorScheme });
        await page.selectOption("#rate", "10");
        await page.getByRole("button", { name: "Send steadily" }).click();
        await until("some answers", async () => (await numberIn(page, "#answered")) >= 15, { seconds: 30 });
        site.replicas = [newer[0]!, ...older.slice(1)];
        await page.getByText("Release under way: v0.0.1 → v0.0.2").waitFor();
        await until("an area for each", async () => (await page.locator("#share path").count()) === 2);
        await page.screenshot({ path: join(pictures, `${size}-${colorScheme}.png`), fullPage: true });
        const wide = await page.evaluate("document.documentElement.scrollWidth");
        assert.equal(wide, sizes[size].width);
        found.push(...(await violations(page)).map((line) => `${size} ${colorScheme}: ${line}`));
      }),
    );
    assert.deepEqual(found, []);
  });

  it("says so when it is opened while the origin is down, keeps trying, and recovers", async () => {
    site.isOriginDown = true;
    const { page } = await open(browser, site.url);
    await page.getByText("The service does not answer (HTTP 502). This page keeps trying.").waitFor();
    await page.locator("#link", { hasText: /next try in \d s/ }).waitFor();
    assert.deepEqual(await violations(page), []);
    site.isOriginDown = false;
    await page.getByText("The service answers again.").waitFor();
    assert.match((await page.locator("#name").textContent())!, /^[0-9A-Za-z]{10}$/);
    assert.equal(await page.locator("#link").textContent(), "answers");
  });

  it("counts what fails while nobody is there, apart and with the reason, and goes on when somebody is", async () => {
    const { page } = await open(browser, site.url);
    await page.getByRole("button", { name: "Send steadily" }).click();
    await until("answers", async () => (await numberIn(page, "#answered")) > 5);
    site.close();
    await page.getByText("The service does not answer (no connection). This page keeps trying.").waitFor();
    await page.locator("#failures", { hasText: /\d+ × no connection/ }).waitFor();
    await page.locator("#versions", { hasText: "failed" }).waitFor();
    await site.open();
    await page.getByText("The service answers again.").waitFor();
    await page.getByRole("button", { name: "Send steadily" }).click();
    await until("an end", async () => {
      const { sent, answered, failed } = await tallyOf(page);
      return sent === answered + failed && failed > 0;
    });
    const { answered, sums } = await tallyOf(page);
    assert.deepEqual(sums, [answered, answered]);
  });
});
