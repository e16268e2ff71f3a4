import { chooseEncoding, isCurrent, prefersHtml } from "../src/negotiate.js";
import { hasCounter } from "../src/settings.js";
import assert from "node:assert/strict";

describe("prefersHtml", () => {
  const table = [
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true],
    ["text/*, application/json;q=0.5", true],
    ["*/*", false],
    [undefined, false],
    ["", false],
    ["application/json", false],
    ["text/html;q=0.5, application/json", false],
    ["text/html;q=0", false],
    ["text/html;q=x", false],
  ];
  for (const [accept, expected] of table) {
    it(`is ${expected} for ${accept}`, () => assert.equal(prefersHtml(accept), expected));
  }
});

describe("chooseEncoding", () => {
  const table = [
    ["gzip, deflate, br", "br"],
    ["gzip", "gzip"],
    ["*", "br"],
    ["br;q=0, *", "gzip"],
    ["identity", undefined],
    ["", undefined],
    [undefined, undefined],
  ];
  for (const [header, expected] of table) {
    it(`is ${expected} for ${header}`, () => assert.equal(chooseEncoding(header, ["br", "gzip"]), expected));
  }
});

describe("isCurrent", () => {
  const table = [
    ['"a"', true],
    ['"b", W/"a"', true],
    ["*", true],
    ['"ab"', false],
    [undefined, false],
  ];
  for (const [header, expected] of table) {
    it(`is ${expected} for ${header}`, () => assert.equal(isCurrent(header, '"a"'), expected));
  }
});

describe("hasCounter", () => {
  const table = [
    ["v0.0.1", false],
    ["v0.0.1+build.9", false],
    ["v0.0.2", true],
    ["v0.0.2-rc.1", true],
    ["v0.0.10", true],
    ["v0.1.0", true],
    ["v1.0.0", true],
  ];
  for (const [version, expected] of table) {
    it(`is ${expected} for ${version}`, () => assert.equal(hasCounter(version), expected));
  }
});
