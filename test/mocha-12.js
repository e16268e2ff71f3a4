// Stryker's runner for mocha asks for files of mocha 11's names.
import { registerHooks } from "node:module";

registerHooks({
  resolve: (specifier, context, next) =>
    next(/\/mocha\/lib\/cli\/[-a-z]+$/.test(specifier) ? `${specifier}.cjs` : specifier, context),
});
