/** Other machines and containers, by the commands that lead there. */

import { assert, assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { diagnose } from "../../tools/doctor/diagnosis.ts";
import { takeCapture } from "../../tools/doctor/take_capture.ts";
import { takeStatus } from "../../tools/doctor/take_status.ts";
import { UnavailableError } from "../../tools/errors.ts";
import { renderDoctorReport } from "../../tools/report/doctor/report.ts";
import { run, startContainer } from "../support/containers.ts";
import { kubectl, startKubeApi } from "../support/kube_api.ts";
import { privateLab } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const { signal } = new AbortController();

Deno.test(
  "a real kubectl leads to a pod, whose network is read; a connection that breaks is no capture",
  { ignore: privateLab.ignore || kubectl.ignore },
  async () => {
    await using api = await startKubeApi({ "web-0": ["unshare", "-Urn", "--"] });
    const to = (pod: string) => ({ host: api.prefix(pod), seconds: 0, signal });
    const capture = await takeCapture(to("web-0"));
    assertEquals([capture.complete, capture.readings[0]?.sockets?.count], [true, 0]);
    const missing = await assertRejects(() => takeCapture(to("web-1")), UnavailableError);
    assertStringIncludes(missing.message, 'pods "web-1" not found');
    api.breakAfter(2000);
    const broken = await assertRejects(() => takeCapture(to("web-0")), UnavailableError);
    assertStringIncludes(broken.message, "has ended ahead of the capture's last line");
  },
);

Deno.test("a secret in a prefix is masked where the prefix leads nowhere", async () => {
  const host = "env API_TOKEN=abcdefgh sh -c 'exit 1'";
  const { message } = await assertRejects(() => takeCapture({ host, seconds: 0, signal }), UnavailableError);
  assertEquals(message, "env API_TOKEN=*** sh -c 'exit 1' sh has ended ahead of the capture's last line");
});

const root = { ignore: Deno.uid() !== 0 };
if (root.ignore) console.error("tests that mount a /proc are ignored: they take root");

Deno.test(
  "an ordinary user, from whom /proc hides the others, reads the sockets and is told what is hidden",
  root,
  async () => {
    // A /proc of its own, in a mount namespace of its own.
    const host =
      "unshare --mount --propagation private sh -c 'mount -t proc -o hidepid=2 none /proc && exec setpriv " +
      '--reuid 65534 --regid 65534 --clear-groups "$@"\' sh';
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const capture = await takeCapture({ host, seconds: 0, signal });
    const diagnosis = diagnose(capture);
    assert(diagnosis.facts!.listeners.some((one) => one.port === port && one.owners.length === 0));
    assertEquals(capture.notes.map(({ kind }) => kind).includes("hidepid"), true);
    assertEquals(capture.processes.some(({ pid }) => pid === Deno.pid), false);
    assertStringIncludes(
      renderDoctorReport(diagnosis, { name: "here", judgedSec: 0 }),
      "/proc hides the processes of other users here (hidepid): which programs hold the sockets is not seen",
    );
    const hidden = diagnose(await takeCapture({ host, pid: Deno.pid, seconds: 0, signal }));
    assertEquals(hidden.verdict, "cannot tell");
    assertStringIncludes(
      renderDoctorReport(hidden, { name: "there", judgedSec: 0 }),
      `there is no process ${Deno.pid}. /proc hides the processes of other users here (hidepid): one of theirs is seen by`,
    );
  },
);

const name = `timewait_doctor_${Deno.pid}`;
const hasContainer = await startContainer({
  name,
  applets: ["sh", "cat", "sleep", "ls", "tr", "httpd", "wget"],
  command: ["/bin/httpd", "-f", "-p", "8080", "-h", "/www"],
});

Deno.test({
  name: "a container that holds nothing but Busybox is read through podman exec",
  ignore: !hasContainer,
  async fn() {
    await until(() =>
      run("podman", "exec", name, "cat", "/proc/net/tcp", "/proc/net/tcp6").includes(":1F90 ")
    );
    const asks =
      "i=0; while [ $i -lt 30 ]; do wget -q -O /dev/null http://127.0.0.1:8080/ || exit 1; i=$((i + 1)); done";
    run("podman", "exec", name, "sh", "-c", asks);
    const capture = await takeCapture({ host: `podman exec -i ${name}`, seconds: 1, signal });
    const { facts, verdict } = diagnose(capture);
    assertEquals([capture.complete, capture.notes, verdict], [true, [], "nothing wrong"]);
    assertEquals(facts!.program?.name, "httpd");
    assertEquals(facts!.listeners.map(({ port }) => port), [8080]);
    assertGreater(facts!.states.timeWait, 20);
    assertEquals(facts!.usable.assumed, false);
    // The page of this server is reached from inside only, and is no status page.
    const page = { url: "http://127.0.0.1:8080/", host: `podman exec -i ${name}`, seconds: 1, signal };
    assertStringIncludes((await takeStatus(page)).problem!, "counts no requests");
  },
});
