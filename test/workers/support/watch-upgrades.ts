import { vi } from "vitest";
import { z } from "zod";
import { SymbolGroup } from "../../../durable-objects/symbol-group.ts";

const stateSchema = z.object({ id: z.object({ name: z.string() }) });

/** What reached an object: its name, and the request's address and headers as one text. */
export interface SeenUpgrade {
  readonly host: string;
  readonly request: string;
}

/** Notes every upgrade that reaches an object of the class, which then answers as ever. */
export function watchUpgrades(): readonly SeenUpgrade[] {
  const seen: SeenUpgrade[] = [];
  const real: unknown = Reflect.get(SymbolGroup.prototype, "fetch");
  if (typeof real !== "function") throw new TypeError("no fetch");
  vi.spyOn(SymbolGroup.prototype, "fetch").mockImplementation(async function (
    this: SymbolGroup,
    request: Request,
  ) {
    const { id } = stateSchema.parse(Reflect.get(this, "ctx"));
    seen.push({ host: id.name, request: [request.url, ...[...request.headers].flat()].join("\n") });
    const answer: unknown = await Reflect.apply(real, this, [request]);
    if (!(answer instanceof Response)) throw new TypeError("no response");
    return answer;
  });
  return seen;
}
