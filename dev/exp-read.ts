import { startDatabase } from "./database/database.ts";
import { createSqlClient } from "../src/postgres/sql-client.ts";
import { readBars, readRollups } from "../src/postgres/bars-store.ts";
const db = await startDatabase({ dataDir: null, databaseUrl: "postgres://postgres@127.0.0.1:5499/exp" });
const sql = createSqlClient({ databaseUrl: db.connectionString, sqlEndpoint: db.sqlUrl, fetchTimeoutMs: 60000 });
const all = Array.from({length: 8000}, (_, i) => "S" + String(i).padStart(4, "0"));
const q = (v: number[], p: number) => v.toSorted((a,b)=>a-b)[Math.floor(v.length*p)]!.toFixed(1);
async function time(name: string, n: number, f: (i: number) => Promise<unknown[]>) {
  const ms: number[] = []; let rows = 0;
  for (let i = 0; i < n; i++) { const a = performance.now(); rows = (await f(i)).length; if (i > 2) ms.push(performance.now() - a); }
  console.log(name, rows, "p50", q(ms, .5), "p10", q(ms, .1), "max", q(ms, .999));
}
const open = Date.UTC(2026,2,20,13,30);
await time("minute", 20, (i) => readBars(sql, { symbols: all, interval: "1m", startMs: open + i*60000, endMs: open+(i+1)*60000, asOfMs: Date.UTC(2026,2,22), limit: 10000 }));
await time("day", 40, (i) => readBars(sql, { symbols: [all[i%40]!], interval: "1m", startMs: open, endMs: open+390*60000, asOfMs: Date.UTC(2026,2,22), limit: 10000 }));
await time("year1h", 15, (i) => readRollups(sql, { symbols: [all[i%40]!], interval: "1h", startMs: Date.UTC(2025,2,21), endMs: Date.UTC(2026,2,21), asOfMs: Date.UTC(2026,2,22), limit: 10000 } as any));
await db.stop();
