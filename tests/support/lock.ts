/**
 * Test files run beside each other, because `deno task test` is parallel. Some must be alone: they measure
 * and need all CPUs, or they look at what the whole machine shows, such as the sockets on its loopback.
 *
 * Each file shares a lock, which share_lock.ts takes ahead of it; {@linkcode alone} takes the lock for
 * itself. A file that somebody runs by hand needs neither.
 *
 * @module
 */

/**
 * What is shared. flock(2) asks for no right to write, so any file will do, and the lock goes with the
 * process.
 */
const room = await Deno.open(new URL(import.meta.url));

/** Everybody who wants in waits here, so that a crowd who share cannot keep out who wants to be alone. */
const door = await Deno.open(new URL("./share_lock.ts", import.meta.url));

/** Shares the lock, until the end of the file. Waits while another file is alone. */
export async function share(): Promise<void> {
  await enter({ exclusive: false });
}

/**
 * Waits until no other file's tests run, and keeps them waiting: until the end of the file where it is called
 * at its top, or until the returned object is disposed where a single test calls it.
 */
export async function alone(): Promise<AsyncDisposable> {
  await room.unlock();
  await enter({ exclusive: true });
  return {
    async [Symbol.asyncDispose]() {
      await room.unlock();
      await share();
    },
  };
}

async function enter({ exclusive }: { readonly exclusive: boolean }): Promise<void> {
  await door.lock(true);
  try {
    await room.lock(exclusive);
  } finally {
    await door.unlock();
  }
}
