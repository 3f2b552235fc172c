/** What is written as YAML: enough for the files of Prometheus. */
export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

const PLAIN = /^[A-Za-z][\w-]*$/;
const WORDS = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

/** A value as YAML in block style; texts of several lines as literal blocks. */
export function toYaml(value: Yaml): string {
  return `${block(value, 0).join("\n")}\n`;
}

function block(value: Yaml, depth: number): string[] {
  const pad = "  ".repeat(depth);
  if (isList(value)) {
    return value.flatMap((item) => {
      const [first = "", ...rest] = block(item, depth + 1);
      return [`${pad}- ${first.trimStart()}`, ...rest];
    });
  }
  if (typeof value === "object")
    return Object.entries(value).flatMap(([key, item]) => entry(key, item, depth));
  return [`${pad}${scalar(value)}`];
}

function entry(key: string, value: Yaml, depth: number): string[] {
  const head = `${"  ".repeat(depth)}${PLAIN.test(key) ? key : JSON.stringify(key)}:`;
  if (typeof value === "string" && value.includes("\n")) {
    const pad = "  ".repeat(depth + 1);
    return [`${head} |-`, ...value.split("\n").map((line) => pad + line)];
  }
  if (typeof value !== "object") return [`${head} ${scalar(value)}`];
  if (isList(value) && value.length === 0) return [`${head} []`];
  return [head, ...block(value, depth + 1)];
}

function scalar(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  return PLAIN.test(value) && !WORDS.has(value.toLowerCase()) ? value : JSON.stringify(value);
}

function isList(value: Yaml): value is readonly Yaml[] {
  return Array.isArray(value);
}
