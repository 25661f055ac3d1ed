/**
 * A shell in a **lab**, for experiments by hand: `deno task lab`, or one command there: `deno task lab --
 * COMMAND`.
 *
 * @module
 */

import { ANY_BACKEND_FLAGS, backendOf } from "./cli/backend_flags.ts";
import { BENCH_FLAGS, sysctlsOf } from "./cli/bench_flags.ts";
import { type Call, type Main, mainOf, type Options, runAsScript, switchFlag } from "./cli/command_line.ts";
import { GATEWAY_FLAGS, gatewaysOf } from "./cli/gateway_flags.ts";
import { TimewaitError } from "./errors.ts";
import { prepareHostSysctls } from "./lab/machine_knobs.ts";
import { runLabShell } from "./run/lab_shell.ts";
import type { Gateway } from "./scenario/scenario.ts";

const GATEWAY_GROUP = {
  ...GATEWAY_FLAGS,
  gateway: {
    ...GATEWAY_FLAGS.gateway,
    placeholder: "COMMAND",
    help: "gateway to start in place of ours; {listen} and {upstream} are filled in",
    repeatable: false,
  },
  noGateway: switchFlag("no gateway: the backend alone"),
} as const;
const LAB_GROUP = { lab: BENCH_FLAGS.lab, sysctl: BENCH_FLAGS.sysctl } as const;
const FLAGS = { ...ANY_BACKEND_FLAGS, ...GATEWAY_GROUP, ...LAB_GROUP } as const;

/**
 * The command's entry point. Returns the exit code of the shell or of the command after `--`, 1 where the lab
 * could not be started, 2 for bad usage, 130 when it is interrupted from outside.
 */
export const main: Main = (args, signal): Promise<number> => {
  const at = args.indexOf("--");
  const [own, command] = at < 0 ? [args, []] : [args.slice(0, at), args.slice(at + 1)];
  return mainOf({
    name: "lab",
    summary: [
      "Opens a shell in a lab in which a backend and a gateway run; or runs one command there, and exits as it does.",
      "",
      "The shell is on the client's host. $BACKEND and $GATEWAY hold the URLs of the two. `on gateway ss -s` runs a command " +
      "on another host, `on gateway` opens a shell there. When the shell ends, everything in the lab ends. It needs no root.",
    ].join("\n"),
    positionals: "[-- COMMAND…]",
    flags: FLAGS,
    groups: { "Backend": ANY_BACKEND_FLAGS, "Gateway": GATEWAY_GROUP, "Knobs and lab": LAB_GROUP },
    examples: [
      "deno task lab",
      "deno task lab --latency 70ms --pool-max-idle-per-host 100",
      "deno task lab --gateway './my-gateway --listen {listen} --upstream {upstream}'",
      "deno task lab -- bash -c 'wrk -c 100 \"$GATEWAY\"; on gateway ss -s'",
    ],
    run: (flags, call) => openShell(flags, command, call),
  })(own, signal);
};

async function openShell(
  flags: Options<typeof FLAGS>,
  command: readonly string[],
  { positionals, signal }: Call,
): Promise<number> {
  if (positionals.length > 0) {
    throw new TimewaitError(`lab takes a command after --: deno task lab -- ${positionals.join(" ")}`);
  }
  const tell = (line: string) => console.error(line);
  const kind = flags.lab === "host" ? "host" : "private";
  await prepareHostSysctls({ kind }, { allowHostSysctl: false, tell });
  return await runLabShell({
    kind: flags.lab,
    backend: backendOf(flags),
    gateway: gatewayOf(flags),
    sysctls: flags.sysctl.length === 0 ? undefined : sysctlsOf(flags),
    command,
    tell,
    signal,
  });
}

/** The one gateway that the flags describe; ours with its defaults where they describe none. */
function gatewayOf(flags: Options<typeof FLAGS>): Gateway | null {
  const gateways = gatewaysOf(flags);
  if (gateways.length > 1) {
    throw new TimewaitError("takes one gateway, because a lab's shell has one: leave the others out", {
      field: "gateway",
    });
  }
  if (!flags.noGateway) return gateways[0]?.gateway ?? {};
  if (gateways.length > 0) {
    throw new TimewaitError("leaves the gateway out: give no flags of a gateway beside it", {
      field: "noGateway",
    });
  }
  return null;
}

if (import.meta.main) await runAsScript(main);
