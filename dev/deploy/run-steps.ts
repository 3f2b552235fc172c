/** One step of a deploy. `run` answers an exit code; what it says goes to the terminal. */
export interface DeployStep {
  readonly name: string;
  readonly run: () => Promise<number>;
  /** What is true when exactly this step has failed: what was changed, and what was not. */
  readonly failed: string;
}

/** Runs the steps in order up to the first that fails. Answers its exit code, or 0. */
export async function runSteps(
  steps: readonly DeployStep[],
  say: (line: string) => void,
): Promise<number> {
  for (const [index, { name, run, failed }] of steps.entries()) {
    say(`deploy: ${index + 1}/${steps.length} ${name}`);
    const code = await run().catch((error: unknown) => {
      say(`deploy: ${error instanceof Error ? error.message : String(error)}`);
      return 1;
    });
    if (code !== 0) {
      say(`deploy: ${name} FAILED (exit ${code}): ${failed}`);
      return code;
    }
  }
  return 0;
}
