import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type FleetCommand, type FleetReport, fleetReportSchema } from "./fanout-messages.ts";

type ReportOf<Op extends FleetReport["op"]> = Extract<FleetReport, { op: Op }>;
/** Which connections are opened: where, how many, and after which frame one is ready. */
export type Opening = Omit<Extract<FleetCommand, { op: "open" }>, "op">;

/** The clients of a benchmark, in a process of their own. */
export class ClientFleet {
  #child: ChildProcess;
  #reports: FleetReport[] = [];
  #wake: () => void = () => {};
  #ended = false;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("../bench-clients.ts", import.meta.url)), {
      execArgv: [],
    });
    this.#child.on("message", (message) => {
      this.#reports.push(fleetReportSchema.parse(message));
      this.#wake();
    });
    this.#child.once("exit", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Opens connections; answers the extensions that were agreed on, each once. */
  async open(opening: Opening): Promise<readonly string[]> {
    this.#send({ op: "open", ...opening });
    return (await this.#next("opened")).extensions;
  }

  /** Has something sent, and waits until so many flushes have arrived at every connection. */
  async whenArrived(flushes: number, send: () => Promise<void>): Promise<ReportOf<"arrived">> {
    this.#send({ op: "expect", flushes });
    await this.#next("armed");
    await send();
    return await this.#next("arrived");
  }

  async close(): Promise<void> {
    this.#send({ op: "close" });
    await this.#next("closed");
  }

  end(): void {
    this.#child.kill();
  }

  #send(command: FleetCommand): void {
    this.#child.send(command);
  }

  /** Throws when the clients saw a fault, whatever was waited for. */
  async #next<Op extends FleetReport["op"]>(op: Op): Promise<ReportOf<Op>> {
    for (;;) {
      const report = this.#reports.shift();
      if (report === undefined) {
        if (this.#ended) throw new Error("the process of the clients has ended");
        await new Promise<void>((resolve) => (this.#wake = resolve));
      } else if (isOf(report, op)) return report;
      else if (report.op === "failed") throw new Error(report.why);
      else throw new Error(`the clients said ${report.op} instead of ${op}`);
    }
  }
}

function isOf<Op extends FleetReport["op"]>(report: FleetReport, op: Op): report is ReportOf<Op> {
  return report.op === op;
}
