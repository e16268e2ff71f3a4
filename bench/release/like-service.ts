/** A Service like another one, for Pods that are to be reached in the same way. */
import { apply, kubectl, until } from "../../test/e2e/support.ts";

export interface Service {
  readonly spec: { readonly ports: readonly { readonly port: number; readonly targetPort: unknown }[] };
}

/** Makes it: its address. Every Service has a `port` of its own on the address of the local load balancer. */
export async function serveLike(
  like: Service,
  to: { namespace: string; name: string; port: number; selector: object },
): Promise<string> {
  const { namespace, name, port, selector } = to;
  const [{ targetPort }] = like.spec.ports as [Service["spec"]["ports"][0]];
  const spec = { ...like.spec, ports: [{ port, targetPort }], selector };
  for (const field of ["clusterIP", "clusterIPs", "healthCheckNodePort"]) Reflect.deleteProperty(spec, field);
  await apply(namespace, { apiVersion: "v1", kind: "Service", metadata: { name }, spec });
  const path = "jsonpath={.status.loadBalancer.ingress[0].ip}";
  let ip = "";
  await until(`an address for the Service ${name}`, async () => {
    ip = await kubectl("-n", namespace, "get", "service", name, "-o", path);
    return ip !== "";
  });
  return `http://${ip}:${port}`;
}
