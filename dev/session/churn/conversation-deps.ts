import type { HandoffPart } from "../handoff.ts";
import type { ClientBook } from "./client-book.ts";
import type { Handoff } from "../../../src/contracts/stream.ts";
import type { FrameReader } from "./frame-reader.ts";
import type { ResumeTally } from "./resume-tally.ts";
import type { RowBook } from "./row-book.ts";
import type { Choice } from "./wants.ts";

/** What a conversation needs: what its client has, what all share, the socket, and the HTTP routes. */
export interface ConversationDeps {
  readonly book: ClientBook;
  readonly rows: RowBook;
  readonly reader: FrameReader;
  readonly tally: ResumeTally;
  readonly symbolGroups: number;
  readonly send: (text: string) => void;
  readonly follow: (offer: Handoff, symbols: Choice) => AsyncGenerator<HandoffPart>;
  readonly hasLeftLog: (token: string) => Promise<boolean>;
  /** Ends the connection: the next one asks again. */
  readonly giveUp: () => void;
  /** A fault of the service that this client saw. */
  readonly fault: (text: string) => void;
}
