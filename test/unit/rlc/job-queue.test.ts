import { describe, expect, it } from "vitest";
import { JobQueue } from "../../../dev/rlc/job-queue.ts";

const LEASE_MS = 60_000;
const NACK = { worker: "w", reason: "unanswered" as const, detail: "", retry_after_ms: 15_000 };

function queueOf(...jobs: [id: string, priority: number][]): JobQueue {
  const queue = new JobQueue(LEASE_MS);
  for (const [id, priority] of jobs) queue.put([{ id, priority, job: { id } }], 0);
  return queue;
}

const idsOf = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id);

describe("the coordinator's queue", () => {
  it("offers the most urgent job first, of one priority the oldest, each to one worker", () => {
    const queue = queueOf(["late", 5], ["old", 1], ["new", 1], ["first", 0]);
    expect(idsOf(queue.claim("a", 3, 10))).toEqual(["first", "old", "new"]);
    expect(idsOf(queue.claim("b", 3, 10))).toEqual(["late"]);
    expect(queue.claim("c", 3, 10)).toEqual([]);
  });

  it("offers a job again when its lease ends, and hears nothing more from who had it", () => {
    const queue = queueOf(["j", 0]);
    queue.claim("a", 1, 0);
    expect(queue.claim("b", 1, LEASE_MS - 1)).toEqual([]);
    expect(queue.claim("b", 1, LEASE_MS)).toMatchObject([{ id: "j", lease_ms: LEASE_MS }]);
    expect(queue.ack("j", "a", LEASE_MS)).toBe("lease_lost");
    expect(queue.ack("j", "b", LEASE_MS)).toBe("taken");
    expect(queue.stats(LEASE_MS)).toMatchObject({ done: 1, leased: 0, leases_ended: 1 });
  });

  it("takes the same answer twice and changes nothing by it", () => {
    const queue = queueOf(["a", 0], ["n", 0]);
    queue.claim("w", 2, 0);
    expect([queue.ack("a", "w", 1), queue.ack("a", "w", 2)]).toEqual(["taken", "taken"]);
    expect([queue.nack("n", NACK, 1), queue.nack("n", NACK, 2)]).toEqual(["taken", "taken"]);
    expect(queue.ack("n", "w", 3)).toBe("lease_lost");
    expect(queue.stats(3)).toMatchObject({ done: 1, waiting: 1, nacks: { unanswered: 1 } });
    expect(queue.ack("nobody", "w", 3)).toBe("unknown");
  });

  it("offers a refused job after its time, and never again when there is none", () => {
    const queue = queueOf(["j", 0], ["bad", 0]);
    queue.claim("w", 2, 0);
    queue.nack("j", NACK, 1_000);
    queue.nack("bad", { ...NACK, reason: "invalid", retry_after_ms: null }, 1_000);
    expect(queue.claim("w", 2, 15_999)).toEqual([]);
    expect(idsOf(queue.claim("w", 2, 16_000))).toEqual(["j"]);
    expect(queue.stats(16_000)).toMatchObject({ dead: 1 });
  });

  it("keeps a job that is put in twice as it is, and refuses more than it holds", () => {
    const queue = queueOf(["j", 0]);
    queue.claim("w", 1, 0);
    queue.put([{ id: "j", priority: 0, job: {} }], 1);
    expect(queue.stats(1)).toMatchObject({ leased: 1, waiting: 0 });
    const many = Array.from({ length: 10_000 }, (_, n) => ({ id: `m${n}`, priority: 0, job: {} }));
    expect(() => queue.put(many, 2)).toThrow(RangeError);
    queue.ack("j", "w", 2);
    expect(() => queue.put(many, 2)).not.toThrow();
  });
});
