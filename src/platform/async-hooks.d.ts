/** The part of Node's module that workerd has and the service uses; the platform's types do not name it. */
declare module "node:async_hooks" {
  /** A value that follows the code over calls and awaits. */
  export class AsyncLocalStorage<Store> {
    run<T>(store: Store, act: () => T): T;
    getStore(): Store | undefined;
  }
}
