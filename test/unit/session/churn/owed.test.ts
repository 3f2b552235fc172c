import { expect, it } from "vitest";
import { accountOf, type Owed, type Tenure } from "../../../../dev/session/churn/owed.ts";
import { RowBook, RowMarks } from "../../../../dev/session/churn/row-book.ts";
import { MINUTE_MS } from "../../../../src/domain/time.ts";

const FROM_MS = Date.UTC(2026, 2, 20, 13, 30);
const book = new RowBook(FROM_MS);
const idOf = (symbol: string, minute: number, revision = 0): number => {
  const id = book.idOf({ symbol, ts: FROM_MS + minute * MINUTE_MS, revision });
  if (id === null) throw new Error("the row has no id");
  return id;
};
/** Minute n of both symbols becomes known at n. */
const owed: Owed = new Map([
  [
    "0b",
    new Map(
      ["AAPL", "MSFT"].map((symbol) => {
        const minutes = [1, 2, 3, 4, 5, 6];
        return [
          symbol,
          { symbol, ids: minutes.map((minute) => idOf(symbol, minute)), asOfMs: minutes },
        ];
      }),
    ),
  ],
]);
const tenure = (fromMs: number, toMs: number, symbols: Tenure["symbols"]): Tenure => {
  return { stream: "0b", fromMs, toMs, symbols };
};
function marked(...ids: number[]): RowMarks {
  const marks = new RowMarks();
  for (const id of ids) marks.mark(id);
  return marks;
}

it("owes what became known after the token and up to the next one, of the symbols of that time", () => {
  const tenures = [tenure(1, 3, ["AAPL"]), tenure(3, 5, "*")];
  const own = [idOf("AAPL", 2), idOf("AAPL", 3), idOf("AAPL", 4), idOf("AAPL", 5)];
  const others = [idOf("MSFT", 4), idOf("MSFT", 5)];
  expect(accountOf(tenures, marked(...own, ...others), owed)).toEqual({
    expected: 6,
    delivered: 6,
    lost: 0,
    duplicate: 0,
    unowed: 0,
    firstLost: null,
  });
});

it("names what did not come, what came twice, and what nobody owed", () => {
  const marks = marked(idOf("AAPL", 2), idOf("AAPL", 2), idOf("MSFT", 2), idOf("AAPL", 2, 1));
  const account = accountOf([tenure(1, 3, ["AAPL"])], marks, owed);
  expect(account).toMatchObject({ expected: 2, delivered: 1, lost: 1, duplicate: 1, unowed: 2 });
  expect(account.firstLost).toContain("AAPL of 0b");
});

it("gives rows of before the run no name, and a bit each to the others however many come", () => {
  expect(book.idOf({ symbol: "AAPL", ts: FROM_MS - MINUTE_MS, revision: 0 })).toBeNull();
  const ids = Array.from({ length: 2_000 }, (_, minute) => idOf("IBM", minute));
  const marks = marked(...ids.filter((_, at) => at % 3 === 0));
  expect(ids.map((id) => marks.has(id))).toEqual(ids.map((_, at) => at % 3 === 0));
  expect(marks).toMatchObject({ count: 667, duplicates: 0 });
});
