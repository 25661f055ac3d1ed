/** A stub of kubectl: no cluster is behind it. */

/**
 * A program that is called `kubectl` and behaves as `kubectl exec -i POD -c C -- COMMAND` does: it says which
 * container on standard error, passes both streams on, and ends with 0 where the stream breaks
 * (kubernetes#73056).
 */
const KUBECTL = `#!/bin/sh
[ "$1 $2 $4 $6" = 'exec -i -c --' ] || { echo "error: unknown command: $*" >&2; exit 1; }
[ "$3" = web-0 ] || { echo "Error from server (NotFound): pods \\"$3\\" not found" >&2; exit 1; }
shift 6
echo 'Defaulted container "c" out of: c, sidecar' >&2
if [ -e "$(dirname "$0")/breaks" ]; then unshare -Urn "$@" | head -c 2000; exit 0; fi
exec unshare -Urn "$@"
`;

/** The stub in a folder of its own. */
export interface KubectlStub extends AsyncDisposable {
  /** What leads to a container of a pod; only `web-0` is there. */
  prefix(pod: string): string;
  /** From now on streams break after 2,000 bytes. */
  breakStreams(): Promise<void>;
}

/** Makes the stub. */
export async function makeKubectlStub(): Promise<KubectlStub> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/kubectl`, KUBECTL, { mode: 0o755 });
  return {
    prefix: (pod) => `${folder}/kubectl exec -i ${pod} -c c --`,
    breakStreams: () => Deno.writeTextFile(`${folder}/breaks`, ""),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
