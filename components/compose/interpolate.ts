/** `$NAME` and `${NAME…}` in a Compose file. */

/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** `$$`, `$NAME`, or the name of `${NAME` and what comes after it: an operator such as `:-`, and a word up to the bracket. */
const reference = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}]|\{[^{}]*\})*))?\})/g;

/**
 * `text` with its variables filled in. As in a shell, `${A:-word}` stands for `word` if A is unset or empty, `${A-word}` if it
 * is unset, `${A:+word}` and `${A+word}` if it is not; `${A:?word}` and `${A?word}` refuse with `word`.
 *
 * @param problem called with a sentence for each variable that has no value
 * @see https://docs.docker.com/reference/compose-file/interpolation/
 */
export function interpolate(text: string, variables: Variables, problem: (sentence: string) => void): string {
  const filled = text.replaceAll(reference, (_, dollar, bare, name, operator, word = "") => {
    if (dollar !== undefined) return "\0";
    const key = (bare ?? name) as string;
    const value = variables[key];
    const operation = (operator ?? "") as string;
    const isGiven = operation.startsWith(":") ? (value ?? "") !== "" : value !== undefined;
    const other = (): string => interpolate(word as string, variables, problem);
    switch (operation.slice(-1)) {
      case "-":
        return isGiven ? value! : other();
      case "+":
        return isGiven ? other() : "";
      case "?":
        if (!isGiven) problem(`the variable ${key} is required: ${other() || "it is not set"}`);
        return value ?? "";
      default:
        if (value === undefined) {
          problem(`the variable ${key} is not set; set it, or write \${${key}:-…} with a value for that case`);
        }
        return value ?? "";
    }
  });
  const stray = /\$/.exec(filled);
  if (stray) problem(`"${text}" holds a $ that begins no variable; write $$ for the character itself`);
  return filled.replaceAll("\0", "$");
}
