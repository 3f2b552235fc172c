/** A call that a document shows: an HTTP method and the path with its query, as written. */
export interface ShownCall {
  readonly method: string;
  readonly path: string;
}

/** A link of a document to another file or to a heading; `anchor` without `#`, null when there is none. */
export interface ShownLink {
  readonly file: string;
  readonly anchor: string | null;
}

const METHODS = "GET|POST|PUT|PATCH|DELETE";
const BASE = String.raw`(?:\$MDS|https?://[\w.:-]+)`;

/** Every `METHOD /path` in the text, and every `curl` of a path of the service. */
export function shownCalls(markdown: string): ShownCall[] {
  const named = Array.from(
    markdown.matchAll(
      new RegExp(String.raw`\b((?:${METHODS})(?: · (?:${METHODS}))*) (/[^\s\`'"|]*)`, "g"),
    ),
    ([, methods = "", path = ""]) => methods.split(" · ").map((method) => ({ method, path })),
  ).flat();
  return [...named, ...curls(markdown).flatMap((line) => curlCall(line) ?? [])];
}

/** Every `curl …` of a text that asks a deployment, not Cloudflare's own API: in blocks and in code spans. */
export function curls(markdown: string): string[] {
  return Array.from(markdown.matchAll(/(?:^|`)(curl [^\n`]+)/gm), ([, line = ""]) => line).filter(
    (line) => !line.includes("https://api.cloudflare.com/"),
  );
}

/** The call that a `curl` makes; null when it asks no path of the service. */
export function curlCall(line: string): ShownCall | null {
  const path = new RegExp(String.raw`["']?${BASE}(/[^\s"']*)`).exec(line)?.[1];
  if (path === undefined) return null;
  const method = /(?:-X|--request)[ =](\w+)/.exec(line)?.[1];
  return { method: method ?? (/ (?:--data|-d)\b/.test(line) ? "POST" : "GET"), path };
}

/** Links to files of the repository and to headings; addresses elsewhere are left out. */
export function shownLinks(markdown: string): ShownLink[] {
  return Array.from(withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor] = target.split("#");
      return { file, anchor: anchor ?? null };
    });
}

/** The anchors of a document as GitHub makes them of headings, and those that it sets itself. */
export function anchorsOf(markdown: string): string[] {
  const plain = withoutCode(markdown, "blocks");
  const headings = Array.from(plain.matchAll(/^#{1,6} (.+)$/gm), ([, text = ""]) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
  const set = Array.from(plain.matchAll(/<a id="([^"]+)">/g), ([, id = ""]) => id);
  return [...headings, ...set];
}

/** Commands of the repository that a document names: `npm run NAME`. */
export function shownCommands(markdown: string): string[] {
  return Array.from(
    markdown.matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*)/g),
    ([, name = ""]) => name,
  );
}

function withoutCode(markdown: string, what: "all" | "blocks" = "all"): string {
  const blocks = markdown.replaceAll(/^```[\s\S]*?^```/gm, "");
  return what === "all" ? blocks.replaceAll(/`[^`\n]*`/g, "") : blocks;
}
