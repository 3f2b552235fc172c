import type { Answer } from "../deployment/ask.ts";
import type { CloudflarePort } from "../deployment/cloudflare.ts";
import type { ProbeResult } from "../probe/probe-stream.ts";

/** The deployment over its API. */
export interface DeploymentPort {
  readonly get: (path: string) => Promise<Answer>;
  readonly probe: () => Promise<ProbeResult>;
  /** Host and port, as a scrape of it would name them. */
  readonly host: string;
}

/** The checkout that the command runs in. Paths are from its root. */
export interface RepositoryPort {
  /** Text of a file; null when it is not there. */
  readonly read: (path: string) => string | null;
  /** Names in a folder; empty when it is not there. */
  readonly list: (path: string) => readonly string[];
}

/** Whatever the checks look at. */
export interface World {
  readonly deployment: DeploymentPort;
  /** `GET /health/ready`, asked once. */
  readonly readiness: Answer;
  readonly cloudflare: CloudflarePort;
  readonly repository: RepositoryPort;
  /** GET of a path of the monitoring's own APIs; null when its address was not given. */
  readonly prometheus: ((path: string) => Promise<Answer>) | null;
  readonly grafana: ((path: string) => Promise<Answer>) | null;
  readonly nowMs: () => number;
}
