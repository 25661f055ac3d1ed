/**
 * Connects to the host of the prefix that it is given, starts what is hard to end, and stays until it is
 * killed. Prints the processes. For tests of what is left then.
 */

import { connectHost } from "../../tools/lab/remote/remote_host.ts";
import { startStubborn } from "./stubborn.ts";

await using host = await connectHost({ name: "gateway", prefix: Deno.args[0]!, address: "" });
const stubborn = await startStubborn(host);
console.log(stubborn.left().join(" "));
await new Promise((resolve) => setTimeout(resolve, 600_000));
