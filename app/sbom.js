import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * What the app is made of, as npm knows it, in CycloneDX's form, and the Node.js that runs it. Without npm's time and serial
 * number, so that the same source is the same image.
 * @param {string} version the app's
 * @param {string} folder the one with its package.json
 */
export function sbom(version, folder = fileURLToPath(new URL(".", import.meta.url))) {
  const json = execFileSync("npm", ["sbom", "--sbom-format=cyclonedx", "--omit=dev"], {
    cwd: folder,
    encoding: "utf8",
  });
  const document = JSON.parse(json);
  delete document.serialNumber;
  delete document.metadata.timestamp;
  const { component } = document.metadata;
  const name = component["bom-ref"].replace(/@[^@]*$/, "");
  const app = { ...component, type: "application", name, version };
  const node = {
    "bom-ref": "node",
    type: "platform",
    name: "node",
    version: process.versions.node,
    purl: `pkg:generic/node@${process.versions.node}`,
    licenses: [{ license: { id: "MIT" } }],
  };
  return {
    ...document,
    metadata: { ...document.metadata, component: app },
    components: [...document.components, node],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , version, file] = process.argv;
  writeFileSync(file, `${JSON.stringify(sbom(version), undefined, 2)}\n`);
}
