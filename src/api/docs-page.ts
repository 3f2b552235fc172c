import { DOCS_STYLE } from "./docs-style.ts";
import { type ApiDocument, operationsOf } from "./openapi.ts";

type Described = ReturnType<typeof operationsOf>[number];
type Operation = Described["operation"];
type Parameter = Extract<NonNullable<Operation["parameters"]>[number], { in: unknown }>;

/** The reference page of an OpenAPI document: plain HTML, complete in itself. */
export function docsPage(document: ApiDocument): string {
  const sections = Map.groupBy(
    operationsOf(document),
    ({ operation }) => operation.tags?.[0] ?? "",
  );
  const names = [...sections.keys()];
  const { title, version, description = "" } = document.info;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${DOCS_STYLE}</style></head><body>
<header><h1>${escape(title)} <small>${escape(version)}</small></h1>
${description
  .split("\n\n")
  .map((text) => `<p>${prose(text)}</p>`)
  .join("\n")}
<nav>${names.map((name) => `<a href="#${escape(name)}">${escape(name)}</a>`).join(" ")}
<a href="/openapi.json">openapi.json</a></nav></header>
<main>${[...sections].map(([name, operations]) => section(name, operations)).join("\n")}</main>
</body></html>
`;
}

function section(name: string, operations: readonly Described[]): string {
  return `<section><h2 id="${escape(name)}">${escape(name)}</h2>${operations.map(article).join("\n")}</section>`;
}

function article({ path, method, operation }: Described): string {
  const role = operation.security?.[0]?.["key"]?.[0] ?? "public";
  const parameters = (operation.parameters ?? []).flatMap((one) => ("in" in one ? [one] : []));
  return `<details id="${escape(operation.operationId ?? "")}"><summary>
<code class="method ${method}">${method.toUpperCase()}</code> <code>${escape(path)}</code>
<span class="role">${escape(role)}</span><span>${prose(operation.summary ?? "")}</span></summary>
${parameterTable(parameters)}${bodyNote(operation)}${responseTable(operation)}</details>`;
}

function parameterTable(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return "";
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td><code>${escape(name)}</code></td><td>${place}${required === true ? ", required" : ""}</td><td><code>${escape(
        typeText(schema),
      )}</code></td><td>${prose(description ?? "")}</td></tr>`,
  );
  return `<table><tr><th>Parameter</th><th>In</th><th>Value</th><th></th></tr>${rows.join("")}</table>`;
}

function bodyNote({ requestBody }: Operation): string {
  if (requestBody === undefined || !("content" in requestBody)) return "";
  const [schema] = Object.values(requestBody.content).map((form) => form.schema);
  return `<p>Body: <code>${escape(typeText(schema))}</code></p>`;
}

function responseTable({ responses = {} }: Operation): string {
  const rows = Object.entries(responses).map(
    ([status, response]) =>
      `<tr><td><code>${escape(status)}</code></td><td>${prose(response.description ?? "")}</td><td><code>${Object.keys(
        response.content ?? {},
      )
        .map(escape)
        .join("</code> <code>")}</code></td></tr>`,
  );
  return `<table><tr><th>Answer</th><th></th><th>Form</th></tr>${rows.join("")}</table>`;
}

/** A schema in a line: its choices, its fields, or its type with bounds and default. */
function typeText(schema: unknown): string {
  if (typeof schema !== "object" || schema === null) return "any";
  const of = (name: string): unknown => Reflect.get(schema, name);
  const [choices, either, fields] = [of("enum"), of("anyOf"), of("properties")];
  const fallback = of("default");
  const end = fallback === undefined ? "" : ` = ${String(fallback)}`;
  if (Array.isArray(choices)) return `${choices.map(String).join(" | ")}${end}`;
  if (Array.isArray(either)) return `${either.map(typeText).join(" | ")}${end}`;
  if (typeof fields === "object" && fields !== null)
    return `{ ${Object.entries(fields)
      .map(([name, field]) => `${name}: ${typeText(field)}`)
      .join(", ")} }`;
  const type = of("format") ?? of("type");
  const [low, high] = [of("minimum"), of("maximum")];
  const bounds =
    typeof low === "number" || typeof high === "number"
      ? ` ${String(low ?? "")}…${String(high ?? "")}`
      : "";
  return `${Array.isArray(type) ? type.join(" | ") : String(type ?? "any")}${bounds}${end}`;
}

/** Text with its \`code\`. */
function prose(text: string): string {
  return escape(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
