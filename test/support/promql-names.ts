/** A metric that a query reads, and the labels that the query names for it. */
export interface QueriedMetric {
  readonly name: string;
  readonly labels: readonly string[];
}

/** Words of PromQL that are no metric although no parenthesis follows them. */
const WORDS = new Set(["and", "or", "unless", "bool", "offset"]);
/** Clauses whose parentheses hold labels. */
const CLAUSE = /\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTOR = /([A-Za-z_:][\w:]*)\s*(\{[^}]*\})?(?!\s*\(|[\w:])/g;

/**
 * The metrics of a PromQL query with the labels of their selectors, and the labels of all its clauses, which
 * some metric of the query must have. Reads what the rules and dashboards use of the language.
 */
export function promqlNames(query: string): { metrics: QueriedMetric[]; clauses: string[] } {
  const clauses = [...query.matchAll(CLAUSE)].flatMap(([, , labels = ""]) => split(labels));
  const bare = query.replaceAll(CLAUSE, " ").replaceAll(/\[[^\]]*\]/g, " ");
  const metrics: QueriedMetric[] = [];
  for (const [, name = "", braces = ""] of bare.matchAll(SELECTOR)) {
    if (WORDS.has(name)) continue;
    const labels = [...braces.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(
      ([, label = ""]) => label,
    );
    metrics.push({ name, labels });
  }
  return { metrics, clauses };
}

function split(labels: string): string[] {
  return labels
    .split(",")
    .map((label) => label.trim())
    .filter((label) => label !== "");
}
