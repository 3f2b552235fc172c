import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockStateDir } from "../../dev/stack/state-lock.ts";

let stateDir = "";
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "mds-lock-"));
});
afterEach(() => {
  rmSync(stateDir, { recursive: true, force: true });
});

describe("the lock of a state folder", () => {
  it("is refused while a living process has it, and free again when that lets go", () => {
    const release = lockStateDir(stateDir);
    expect(() => lockStateDir(stateDir)).toThrow(`process ${process.pid} uses`);
    release();
    lockStateDir(stateDir)();
  });

  it.each(["999999999", "", "not a pid"])(
    "is taken over from a process that is gone (%j)",
    (left) => {
      writeFileSync(join(stateDir, "lock"), left);
      lockStateDir(stateDir)();
    },
  );
});
