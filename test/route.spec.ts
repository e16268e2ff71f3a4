import assert from "node:assert/strict";

import { WebService } from "../components/index.ts";
import type { RouteOptions, WebServiceArgs } from "../components/index.ts";
import { digest, graph, only, specOf, useMocks, valueOf } from "./mocks.ts";

const type = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute";
const route: RouteOptions = { host: "hello.example.com", gateway: { name: "public" } };
const baseArgs: WebServiceArgs = {
  image: `registry.example/hello@${digest}`,
  namespace: "shop",
  service: { type: "ClusterIP" },
  route,
};

describe("a route", () => {
  beforeEach(() => useMocks());

  it("leads from a Gateway to the Service", async () => {
    const app = new WebService("hello", baseArgs);

    assert.equal(await valueOf(app.url), "https://hello.example.com");
    const { apiVersion, kind, metadata } = (await only(type)).inputs;
    assert.deepEqual([apiVersion, kind], ["gateway.networking.k8s.io/v1", "HTTPRoute"]);
    const labels = { "app.kubernetes.io/name": "hello", "app.kubernetes.io/managed-by": "pulumi" };
    // The update waits for the Gateway to take it in, and a minute tells that none will.
    const annotations = {
      "pulumi.com/waitFor": 'jsonpath={.status.parents[0].conditions[?(@.type=="Accepted")].status}=True',
      "pulumi.com/timeoutSeconds": "60",
    };
    assert.deepEqual(metadata, { namespace: "shop", labels, annotations });
    assert.deepEqual(await specOf(type), {
      parentRefs: [{ name: "public" }],
      hostnames: ["hello.example.com"],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          backendRefs: [{ name: "hello", port: 8888 }],
        },
      ],
    });
  });

  it("can be below a path, from one listener of a Gateway elsewhere, without TLS", async () => {
    const gateway = { name: "public", namespace: "gateways", listener: "http" };
    const app = new WebService("hello", { ...baseArgs, route: { ...route, path: "/shop", gateway, isTls: false } });

    assert.equal(await valueOf(app.url), "http://hello.example.com/shop");
    const { parentRefs, rules } = await specOf(type);
    assert.deepEqual(parentRefs, [{ name: "public", namespace: "gateways", sectionName: "http" }]);
    assert.match(JSON.stringify(rules), /"value":"\/shop"/);
  });

  it("is not there unless it is asked for", async () => {
    new WebService("hello", { ...baseArgs, route: undefined });

    assert.ok(!(await graph()).some((resource) => resource.startsWith(type)));
  });

  it("is refused without a host or a Gateway", () => {
    const wrong = { ...baseArgs, route: { gateway: { name: "" } } as unknown as RouteOptions };
    assert.throws(() => new WebService("hello", wrong), {
      message: [
        'route.host must be a host name in lower case such as "hello.example.com", got undefined',
        'route.gateway.name must be 1 to 40 lower-case letters, digits and "-", beginning with a letter and not ending with "-", got ""',
      ].join("\n"),
    });
    const without = { ...baseArgs, route: { host: "hello.example.com" } as RouteOptions };
    assert.throws(() => new WebService("hello", without), {
      message: /^route\.gateway\.name must be .*, got undefined$/,
    });
  });

  it("is refused with a malformed host or path, or beside an Ingress", () => {
    const ingress = { host: "hello.example.com" };
    const wrong = { ...baseArgs, ingress, route: { ...route, host: "Hello", path: "shop" } };
    assert.throws(() => new WebService("hello", wrong), {
      message: [
        'route.host must be a host name in lower case such as "hello.example.com", got "Hello"',
        'route.path must be a path that begins with "/", got "shop"',
        "ingress and route must not both be given: url can be one of them only",
      ].join("\n"),
    });
  });
});
