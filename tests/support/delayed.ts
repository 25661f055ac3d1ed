/**
 * Runs a command whose standard input and output pass through a line that is so many milliseconds long:
 * `deno run delayed.ts 200 ssh web1 sh`. For kernels that have no netem.
 */

const [ms, command, ...args] = Deno.args;
const child = new Deno.Command(command!, { args, stdin: "piped", stdout: "piped" }).spawn();

/** Passes each piece on when it is so old; any number of pieces may be on the way. */
async function delayed(from: ReadableStream<Uint8Array>, to: WritableStream<Uint8Array>): Promise<void> {
  const writer = to.getWriter();
  let last = Promise.resolve();
  const pass = (what: () => Promise<void>) => {
    const due = new Promise((resolve) => setTimeout(resolve, Number(ms)));
    last = Promise.all([last, due]).then(what).catch(() => {});
  };
  for await (const piece of from) pass(() => writer.write(piece));
  pass(() => writer.close());
  await last;
}

void delayed(Deno.stdin.readable, child.stdin);
await delayed(child.stdout, Deno.stdout.writable);
Deno.exit((await child.status).code);
