/**
 * A wall clock that can be set, for the processes that are started with it and for nobody else: libfaketime
 * stands between them and the C library. The clock that only runs forward is left to them.
 */

/** A clock that processes see in place of the machine's clock. */
export interface FakeClock extends AsyncDisposable {
  /** Variables for the processes that are to see it. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets it to the machine's time plus these seconds. */
  set(seconds: number): Promise<void>;
}

/** The library; `undefined` where it is not installed. */
export function findFakeTime(): string | undefined {
  const [library] = [...Deno.readDirSync("/usr/lib")].filter((entry) => entry.isDirectory)
    .map(({ name }) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`).filter(isFile);
  return library;
}

/**
 * Makes a clock that agrees with the machine's. Processes read its setting each time they ask for the time.
 */
export async function makeFakeClock(): Promise<FakeClock> {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/clock`;
  const set = async (seconds: number) => {
    await Deno.writeTextFile(`${path}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await Deno.rename(`${path}.new`, path);
  };
  await set(0);
  return {
    env: {
      LD_PRELOAD: findFakeTime()!,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    set,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
