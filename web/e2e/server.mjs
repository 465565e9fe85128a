// A server of our own for when none is given: the API and the page over a
// laboratory in memory.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export const freePort = () =>
  new Promise((resolve, reject) => {
    const s = createServer().once("error", reject);
    s.listen(0, "127.0.0.1", () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });

export async function ownServer() {
  const dir = mkdtempSync(join(tmpdir(), "athanor-devserver-"));
  const bin = join(dir, "devserver");
  execFileSync("go", ["build", "-o", bin, "./api/apitest/devserver"], { cwd: root, stdio: "inherit" });
  const inbox = join(dir, "inbox"); // with what is chosen there
  mkdirSync(inbox);
  writeFileSync(join(inbox, "shared.csv"), "solvent,temperature (°C),yield (%)\nDMSO,90,41\nDMF,95,52\n");
  const url = `http://127.0.0.1:${await freePort()}`;
  let child;
  const start = async () => {
    child = spawn(bin, ["-addr", url.slice("http://".length), "-tick", "200ms", "-inbox", inbox], { stdio: ["ignore", "ignore", "inherit"] });
    for (let i = 0; i < 100; i++) {
      const ok = await fetch(`${url}/api/v1/health`).then((r) => r.ok, () => false);
      if (ok) return;
      await new Promise((r) => setTimeout(r, 100));
    }
    throw new Error("the server did not answer within 10 s");
  };
  const stop = () =>
    new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGKILL");
    });
  await start();
  return {
    url,
    start,
    stop,
    end: async () => {
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
