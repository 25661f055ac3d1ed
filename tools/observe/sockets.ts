/**
 * Every TCP socket of every host of a lab.
 *
 * @module
 */

import type { AnyLab } from "../lab/any_lab.ts";
import type { HostName } from "../scenario/host_names.ts";
import { readEachHost } from "./sampler.ts";
import { parseTcpTable, TCP_TABLE_FILES, type TcpSocket } from "./tcp_table.ts";

/**
 * Reads the tables of all hosts. A table that hosts share stands under each of their names, and those of
 * several clients are one.
 */
export function readSockets(lab: AnyLab): Promise<Record<HostName, TcpSocket[]>> {
  return readEachHost(lab, (tables) => tables.flat(), async (host) => {
    const texts = await host.readProc(...TCP_TABLE_FILES);
    return texts.flatMap((text) => parseTcpTable(text ?? ""));
  });
}
