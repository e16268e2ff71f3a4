/**
 * What no stack of this project may contain: `pulumi preview --policy-pack policy` refuses it before anything is made.
 *
 * @see https://www.pulumi.com/docs/insights/policy/
 */
import { PolicyPack } from "@pulumi/policy";

import { policies } from "./policies.ts";

new PolicyPack("meridian", { enforcementLevel: "mandatory", policies: [...policies] });
