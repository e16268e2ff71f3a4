/** `node docs/release-picture.ts URL FILE`: a picture of the app's page, as a release under way has gone through it. */
import { writeFileSync } from "node:fs";

import { launch, open } from "../test/e2e/browser.ts";

const [url = "", file = ""] = process.argv.slice(2);
const browser = await launch();
try {
  const { page } = await open(browser, url);
  await page.getByRole("button", { name: "Send steadily" }).click();
  const timeout = 240_000;
  await page.getByText("Release under way").waitFor({ timeout });
  await page.getByText("All answers come from").waitFor({ timeout });
  const devtools = await page.context().newCDPSession(page);
  const { height } = (await page.locator("body").boundingBox())!;
  const { data } = await devtools.send("Page.captureScreenshot", {
    format: "webp",
    quality: 80,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width: 1280, height, scale: 1 },
  });
  writeFileSync(file, Buffer.from(data, "base64"));
} finally {
  await browser.close();
}
