/** Bar lengths that are fetched and stored; 5m and 1h are derived on read. */
export type Interval = "1m" | "1d";
