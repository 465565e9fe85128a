import createClient from "openapi-fetch";
import type { components, paths } from "./__generated__/schema";

type Schemas = components["schemas"];
export type Summary = Schemas["Summary"];
export type Campaign = Schemas["Detail"];
export type Document = Schemas["Document"];
export type Objective = Schemas["Objective"];
export type Progress = Schemas["Progress"];
export type CampaignState = Progress["state"];
export type Row = Schemas["Row"];
export type ExperimentState = Row["state"];
export type Experiment = Schemas["Full"];
export type StepRecord = Schemas["StepRecord"];
export type Plan = Schemas["Plan"];
export type Proposal = Schemas["Proposal"];
export type Influence = Schemas["Influence"];
export type Diagnostics = Schemas["Diagnostics"];
export type ModelFit = Schemas["ModelFit"];
export type Reading = Schemas["Reading"];
export type ReadPaper = Schemas["ReadPaper"];
export type Claim = Schemas["Claim"];
export type ReadFinding = Schemas["ReadFinding"];
export type Correction = Schemas["Correction"];
export type Label = Schemas["Word"]["label"];
export type Snapshot = Schemas["SnapshotInfo"];
export type SnapshotFormat = NonNullable<Schemas["SnapshotRequest"]["exports"]>[number];
export type ImportOffered = Schemas["ImportOffered"];
export type ImportTrial = Schemas["ImportTrial"];
export type ImportMapping = Schemas["ImportMapping"];
export type ImportColumn = Schemas["ImportColumn"];
export type ImportCells = Schemas["ImportCells"];
export type ImportRows = Schemas["ImportRows"];
export type ImportInfo = Schemas["ImportInfo"];
export type ImportHeld = Schemas["ImportHeld"];
export type ImportFault = Schemas["ImportFault"];
export type Prediction = Schemas["Prediction"];
export type Setting = Schemas["Setting"];
export type Value = Setting["value"];
export type Device = Schemas["Device"];
export type Dispute = Schemas["Dispute"];
export type Series = Schemas["Series"];
export type ParamSpec = Schemas["ParamSpec"];
export type Question = Schemas["Question"];
export type LabEvent = Schemas["Event"];
export type Complaint = Schemas["Complaint"];
export type Verdict = Schemas["Verdict"];
export type Problem = Schemas["Problem"];
export type Example = Schemas["Example"];

export const base = "/api/v1";
export const api = createClient<paths>({ baseUrl: base });

/** An answer that is a problem, or no answer at all (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | undefined;
  constructor(status: number, problem: Problem | undefined) {
    super(problem?.detail || problem?.title || (status === 0 ? "The server does not answer." : `The server answered with status ${status}.`));
    this.name = "ApiError";
    this.status = status;
    this.problem = problem;
  }
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** Waits for an answer and returns its data, or throws what is wrong with it. */
export async function answer<T>(asked: Promise<Answer<T>>): Promise<T> {
  let a: Answer<T>;
  try {
    a = await asked;
  } catch {
    throw new ApiError(0, undefined);
  }
  if (!a.response.ok) throw new ApiError(a.response.status, asProblem(a.error));
  return a.data as T;
}

function asProblem(x: unknown): Problem | undefined {
  return typeof x === "object" && x !== null && "title" in x && "status" in x ? (x as Problem) : undefined;
}

/** A campaign document goes over the wire as its author wrote it. */
async function postDocument(path: string, text: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  const json = text.trimStart().startsWith("{");
  try {
    return await fetch(base + path, { method: "POST", body: text, headers: { "Content-Type": json ? "application/json" : "application/yaml", ...headers }, signal });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new ApiError(0, undefined);
  }
}

export async function checkDocument(text: string, signal?: AbortSignal): Promise<Verdict> {
  const r = await postDocument("/campaigns/check", text, {}, signal);
  const body: unknown = await r.json().catch(() => undefined);
  if (!r.ok) throw new ApiError(r.status, asProblem(body));
  return body as Verdict;
}

/** The same key with the same text submits once, however often it is sent. */
export async function submitDocument(text: string, key: string): Promise<Campaign> {
  const r = await postDocument("/campaigns", text, { "Idempotency-Key": key });
  const body: unknown = await r.json().catch(() => undefined);
  if (!r.ok) throw new ApiError(r.status, asProblem(body));
  return body as Campaign;
}

export async function fetchSource(id: string): Promise<string> {
  const r = await fetch(`${base}/campaigns/${id}/source`).catch(() => {
    throw new ApiError(0, undefined);
  });
  if (!r.ok) throw new ApiError(r.status, asProblem(await r.json().catch(() => undefined)));
  return r.text();
}

/** Sends a file as it is, and tells how much of it has gone. */
export function uploadImport(file: File, sent: (part: number) => void): Promise<ImportOffered> {
  return new Promise((done, fail) => {
    const r = new XMLHttpRequest();
    r.open("POST", `${base}/imports/files?${new URLSearchParams({ name: file.name }).toString()}`);
    r.setRequestHeader("Content-Type", "application/octet-stream");
    r.responseType = "json";
    r.upload.onprogress = (e) => sent(e.lengthComputable ? e.loaded / e.total : 0);
    r.onerror = () => fail(new ApiError(0, undefined));
    r.onload = () => {
      const body: unknown = r.response;
      if (r.status === 200) done(body as ImportOffered);
      else fail(new ApiError(r.status, asProblem(body)));
    };
    r.send(file);
  });
}

export const mappingURL = (id: string) => `${base}/imports/${encodeURIComponent(id)}/mapping`;

export type ManifestFile = { path: string; bytes?: number; rows?: number; sha256?: string };

/** Where a file of a snapshot, or of an export of it, is downloaded from. */
export const fileURL = (id: string, format: string, path: string) => `${base}/snapshots/${encodeURIComponent(id)}/file?${new URLSearchParams(format ? { format, path } : { path }).toString()}`;

/** The files of a snapshot as its manifest names them, the manifest itself first. */
export async function fetchManifest(id: string, format: string): Promise<ManifestFile[]> {
  const r = await fetch(fileURL(id, format, "manifest.json")).catch(() => {
    throw new ApiError(0, undefined);
  });
  const body: unknown = await r.json().catch(() => undefined);
  if (!r.ok) throw new ApiError(r.status, asProblem(body));
  return [{ path: "manifest.json" }, ...manifestFiles(body)];
}

/** What of a manifest names a file; the rest of it is left aside. */
export function manifestFiles(manifest: unknown): ManifestFile[] {
  const files = typeof manifest === "object" && manifest !== null && "files" in manifest ? manifest.files : undefined;
  if (!Array.isArray(files)) return [];
  const number = (x: unknown) => (typeof x === "number" && Number.isFinite(x) ? x : undefined);
  return files.flatMap((f: unknown) => {
    if (typeof f !== "object" || f === null) return [];
    const { path, bytes, rows, sha256 } = f as Record<string, unknown>;
    return typeof path === "string" && path ? [{ path, bytes: number(bytes), rows: number(rows), sha256: typeof sha256 === "string" ? sha256 : undefined }] : [];
  });
}
