import type { LoggedFlush, StreamClass } from "../contracts/flush.ts";

/** What a home sends a host: flushes of one of its streams, in order. */
export interface Delivery {
  readonly home: number;
  readonly class: StreamClass;
  readonly epoch: string;
  /** The home's members as they stand: which life of the group, and how many. */
  readonly roster: { readonly epoch: string; readonly length: number };
  readonly flushes: readonly LoggedFlush[];
}

/** What a host says to a delivery: false when no connection there wants the stream any more. */
export interface DeliveryAnswer {
  readonly interested: boolean;
}
