/** Polygon's option chains, as a test scripts them. */
export class FakeOptions {
  /** Another answer than a chain; null: a chain. */
  refuses: { readonly status: number; readonly body: object } | null = null;
  /** The underlying of each call. */
  readonly asked: string[] = [];

  reset(): void {
    this.refuses = null;
    this.asked.length = 0;
  }

  /** Null for a call that asks for something else. */
  answer({ pathname }: URL): Response | null {
    const underlying = /^\/v3\/snapshot\/options\/([^/]+)$/.exec(pathname)?.[1];
    if (underlying === undefined) return null;
    this.asked.push(underlying);
    if (this.refuses !== null)
      return Response.json(this.refuses.body, { status: this.refuses.status });
    const results = (["call", "put"] as const).map((kind) => ({
      details: { contract_type: kind, expiration_date: "2030-01-18", strike_price: 100 },
      open_interest: kind === "call" ? 4 : 2,
    }));
    return Response.json({ status: "OK", results });
  }
}
