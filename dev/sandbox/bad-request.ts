/** A mistake of the caller, with the text that the provider's 400 carries. */
export class BadRequest extends Error {
  constructor(text: string) {
    super(text);
    this.name = "BadRequest";
  }
}
