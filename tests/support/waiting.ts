/** Waits with a deadline, for tests of what happens on the wire. */

/** Fails a wait that takes longer than any machine needs. */
export async function within<T>(promise: Promise<T>, what: string, ms = 5_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once the condition holds; fails after `ms`. */
export async function eventually(holds: () => boolean, what: string, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Resolves with a growing figure once it has grown and then stood still for a fifth of a second. */
export async function settled(read: () => number): Promise<number> {
  let [last, since] = [read(), performance.now()];
  await eventually(() => {
    if (read() !== last) [last, since] = [read(), performance.now()];
    return last > 0 && performance.now() - since > 200;
  }, "the figure stands still");
  return last;
}
