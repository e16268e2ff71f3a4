import { readFiles } from "./src/files.js";
import { logger } from "./src/log.js";
import { createService } from "./src/service.js";
import { readSettings } from "./src/settings.js";
import { constants } from "node:os";

/** Ends the process with one sentence, before anything was served. */
function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

let settings;
try {
  settings = readSettings(process.env);
} catch (error) {
  refuse(error.message);
}

const log = logger(settings);
let files;
try {
  files = await readFiles(settings.version, settings.assetFolders);
} catch (error) {
  refuse(`ASSET_FOLDERS must name folders with built front ends: ${error.message}.`);
}
const service = createService(settings, files, log);

service.server.on("error", (error) => {
  if (error.code === "EADDRINUSE") refuse(`PORT ${settings.port} is already in use; set PORT to a free one.`);
  if (error.code === "EACCES") refuse(`PORT ${settings.port} needs root; set PORT to 1024 or above.`);
  throw error;
});
service.server.listen(settings.port, () => log("info", "listening", { port: service.server.address().port }));

let draining = false;
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, async () => {
    if (draining) process.exit(128 + constants.signals[signal]);
    draining = true;
    log("info", "draining", { signal, seconds: settings.drainSeconds });
    await service.drain();
    log("info", "stopped");
    process.exit(0);
  });
}
