/** Something that is named by the contract and not built yet. Answered as 501 `not_implemented`. */
export class NotImplementedError extends Error {
  readonly code = "not_implemented";

  constructor(what: string) {
    super(`${what} is not implemented`);
    this.name = "NotImplementedError";
  }
}
