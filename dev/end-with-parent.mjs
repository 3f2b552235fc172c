// Loaded before every command of start.mjs. A parent killed by SIGKILL can pass no signal on; its
// end of the channel still closes, and that ends this process the way Ctrl-C would.
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.channel) {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // The listener must not keep a finished command alive.
  process.channel.unref();
}
