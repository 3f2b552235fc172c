import { FanoutClient, FrameReader } from "./bench/fanout-client.ts";
import {
  type FleetCommand,
  fleetCommandSchema,
  type FleetReport,
  wallNow,
} from "./bench/fanout-messages.ts";

const OPEN_AT_ONCE = 40;
const ARRIVAL_TIMEOUT_MS = 90_000;
/** After the last flush: one that comes twice, or that nobody waits for, would come by then. */
const QUIET_MS = 100;

let clients: FanoutClient[] = [];
let arrivals: number[] = [];
let bars = 0;
let texts: string[] = [];
let faults: string[] = [];
let wake: () => void = () => {};

function say(report: FleetReport): void {
  process.send?.(report);
}

async function open(command: Extract<FleetCommand, { op: "open" }>): Promise<void> {
  let left = command.count;
  const reader = new FrameReader((text) => texts.push(text));
  const openNext = async () => {
    while (left > 0) {
      left -= 1;
      const client = await FanoutClient.open({
        ...command,
        reader,
        onFlush: (count) => {
          arrivals.push(wallNow());
          bars += count;
          wake();
        },
        onFault: (why) => {
          faults.push(why);
          wake();
        },
      });
      clients.push(client);
    }
  };
  await Promise.all(Array.from({ length: OPEN_AT_ONCE }, openNext));
  say({ op: "opened", extensions: [...new Set(clients.map((client) => client.extensions))] });
}

/** Resolves when every connection has got so many flushes more, no more of them, and all in order. */
async function expectFlushes(flushes: number): Promise<void> {
  [arrivals, bars, texts] = [[], 0, []];
  const before = clients.map((client) => client.flushes);
  const bytesBefore = bytesRead();
  const wanted = flushes * clients.length;
  say({ op: "armed" });
  const deadline = wallNow() + ARRIVAL_TIMEOUT_MS;
  while (arrivals.length < wanted && faults.length === 0 && wallNow() < deadline) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadline - wallNow());
      wake = () => {
        if (arrivals.length < wanted && faults.length === 0) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
  const bytes = bytesRead() - bytesBefore;
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const wrong = clients.filter((client, at) => client.flushes - (before[at] ?? 0) !== flushes);
  if (faults.length > 0 || wrong.length > 0 || arrivals.length !== wanted) {
    const counts = `${arrivals.length} of ${wanted} flushes arrived, not ${flushes} at ${wrong.length} connections`;
    const heads = texts
      .slice(0, 5)
      .map((text) => text.replaceAll(/"rows":\[.*?\]\]/g, '"rows":[]').slice(0, 600));
    throw new Error([counts, ...faults.slice(0, 5), ...heads].join("; "));
  }
  say({ op: "arrived", arrivals, bars, bytes, texts });
}

function bytesRead(): number {
  return clients.reduce((sum, client) => sum + client.bytesRead, 0);
}

async function close(): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
  [clients, faults] = [[], []];
  say({ op: "closed" });
}

async function act(command: FleetCommand): Promise<void> {
  if (command.op === "open") await open(command);
  else if (command.op === "expect") await expectFlushes(command.flushes);
  else await close();
}

// The sockets of a benchmark in a process of their own: their work is none of the server's or the stopwatch's.
process.on("message", (message) => {
  act(fleetCommandSchema.parse(message)).catch((error: unknown) => {
    say({ op: "failed", why: error instanceof Error ? error.message : String(error) });
  });
});
process.on("disconnect", () => process.exit(0));
