import type { CalendarCheck } from "../contracts/calendar-check.ts";
import { calendarCheckSchema } from "../contracts/calendar-check.ts";
import type { MetaStore } from "../platform/meta-store.ts";

const META_KEY = "calendar_check";

/** The last check of the calendar, kept by group g00: one for the service. */
export class CalendarBook {
  #meta: MetaStore;

  constructor(meta: MetaStore) {
    this.#meta = meta;
  }

  /** Keeps a check unless a later one is known. */
  keep(check: CalendarCheck): void {
    const known = this.read();
    if (known !== null && known.checkedAtMs > check.checkedAtMs) return;
    this.#meta.set(META_KEY, JSON.stringify(check));
  }

  /** Null when nobody was ever asked. */
  read(): CalendarCheck | null {
    const text = this.#meta.get(META_KEY);
    return text === null ? null : calendarCheckSchema.parse(JSON.parse(text));
  }
}
