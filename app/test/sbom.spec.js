import { sbom } from "../sbom.js";
import assert from "node:assert/strict";

describe("the list of what the app is made of", () => {
  it("is CycloneDX's, of the app and its Node.js, and the same each time", function () {
    this.timeout(60_000);
    const { bomFormat, specVersion, metadata, components } = sbom("v1.2.3");
    assert.deepEqual([bomFormat, specVersion], ["CycloneDX", "1.5"]);
    const { name, type, version, licenses } = metadata.component;
    assert.deepEqual([name, type, version], ["helloworld", "application", "v1.2.3"]);
    assert.deepEqual(licenses, [{ license: { id: "Apache-2.0" } }]);
    assert.deepEqual(
      components.map((component) => `${component.name} ${component.version}`),
      [`node ${process.versions.node}`],
    );
    assert.deepEqual(sbom("v1.2.3"), { ...sbom("v1.2.3"), metadata });
  });
});
