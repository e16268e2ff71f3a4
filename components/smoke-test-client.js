// The smoke test's program: asks the new release for what is expected of it. Run by the Job as text, by node in any image.
const { PREVIEW_URL, EXPECTATIONS } = process.env;

/** What is wrong with the answer to one request, a few words each. */
async function ask({ path, requestHeaders = {}, status = 200, headers = {}, body = "" }) {
  try {
    const signal = AbortSignal.timeout(10_000);
    const answer = await fetch(new URL(path, PREVIEW_URL), { headers: requestHeaders, redirect: "manual", signal });
    const text = await answer.text();
    const wrong = (what, value, pattern) =>
      new RegExp(pattern).test(value) ? [] : [`${what} is ${JSON.stringify(value)}, which does not match ${pattern}`];
    return [
      ...(answer.status === status ? [] : [`status is ${answer.status} instead of ${status}`]),
      ...Object.entries(headers).flatMap(([name, pattern]) => wrong(name, answer.headers.get(name) ?? "", pattern)),
      ...wrong("body", text.slice(0, 1000), body),
    ];
  } catch (error) {
    return [error.cause?.message ?? error.message];
  }
}

for (const expectation of JSON.parse(EXPECTATIONS)) {
  const problems = await ask(expectation);
  console.log([problems.length > 0 ? "failed" : "ok", expectation.path, problems.join("; ")].join(" ").trim());
  if (problems.length > 0) process.exitCode = 1;
}
