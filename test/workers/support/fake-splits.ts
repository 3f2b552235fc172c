/** A row of polygon's splits. */
export interface SplitRow {
  readonly ticker: string;
  readonly execution_date: string;
  readonly split_from: number;
  readonly split_to: number;
}

/** Polygon's list of splits, as a test scripts it. */
export class FakeSplits {
  rows: readonly SplitRow[] = [];
  /** Another answer than the list; null: the list. */
  refuses: { readonly status: number; readonly body: object } | null = null;
  /** The dates of each call, `from` and `through`. */
  readonly asked: string[] = [];

  reset(): void {
    this.rows = [];
    this.refuses = null;
    this.asked.length = 0;
  }

  /** Null for a call that asks for something else. */
  answer({ pathname, searchParams }: URL): Response | null {
    if (pathname !== "/v3/reference/splits") return null;
    const [from = "", through = ""] = ["gte", "lte"].map((end) =>
      String(searchParams.get(`execution_date.${end}`)),
    );
    this.asked.push(`${from} ${through}`);
    if (this.refuses !== null)
      return Response.json(this.refuses.body, { status: this.refuses.status });
    const results = this.rows.filter(({ execution_date: date }) => date >= from && date <= through);
    return Response.json({ status: "OK", results });
  }
}
