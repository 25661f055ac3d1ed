/**
 * Carries bytes both ways between two connections after an upgrade, whatever the bytes mean.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";

/**
 * Carries bytes both ways until both sides have ended, or one is broken. The end of one side is passed on,
 * and the other side may go on sending.
 *
 * A tunnel may be silent for any time. TCP's keep-alive finds out when a side has vanished.
 */
export async function runTunnel(one: ByteConn, other: ByteConn): Promise<void> {
  one.tcp.setKeepAlive(true);
  other.tcp.setKeepAlive(true);
  await Promise.all([carry(one, other), carry(other, one)]);
}

async function carry(from: ByteConn, to: ByteConn): Promise<void> {
  try {
    for (;;) {
      while (from.start < from.end) {
        const { buffer, start, end } = from;
        from.start = end;
        await to.write(buffer.subarray(start, end));
      }
      if (from.over) break;
      from.widen();
      await from.more();
    }
    if (from.failure !== undefined) throw from.failure;
    await to.tcp.closeWrite();
  } catch {
    from.close();
    to.close();
  }
}
