import { keepPreviousData, QueryClient, useQuery } from "@tanstack/react-query";
import { answer, api, ApiError, type CampaignState, fetchManifest, fetchSource, type Plan, type Row } from "./client";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000, // events say when something changed
      refetchOnWindowFocus: false,
      retry: (count, e) => count < 2 && e instanceof ApiError && (e.status === 0 || e.status >= 500),
    },
  },
});

export type ListFilter = { states: CampaignState[]; q: string };

export const keys = {
  campaigns: ["campaigns"] as const,
  campaign: (id: string) => ["campaign", id] as const,
  experiments: (id: string) => ["experiments", id] as const,
  experiment: (id: string, n: number) => ["experiment", id, n] as const,
  log: (id: string) => ["log", id] as const,
  reading: (id: string) => ["reading", id] as const,
  findings: (id: string) => ["findings", id] as const,
  snapshots: ["snapshots"] as const,
  imports: ["imports"] as const,
  import: (id: string) => ["imports", id] as const,
  held: (id: string) => ["imports", id, "held"] as const,
  questions: ["questions"] as const,
  devices: ["devices"] as const,
  telemetry: (id: string) => ["telemetry", id] as const,
  quarantine: ["quarantine"] as const,
  handovers: ["handovers"] as const,
};

export async function listCampaigns(f: ListFilter, cursor?: string) {
  return answer(api.GET("/campaigns", { params: { query: { limit: 50, cursor, q: f.q || undefined, state: f.states.length ? f.states : undefined } }, querySerializer: { array: { style: "form", explode: false } } }));
}

export const useCampaign = (id: string) => useQuery({ queryKey: keys.campaign(id), queryFn: () => answer(api.GET("/campaigns/{id}", { params: { path: { id } } })) });

/** Experiments with a number above after, up to the last one or to count. */
export async function fetchExperiments(id: string, after = 0, count = Infinity): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const limit = Math.max(1, Math.min(1000, count - rows.length));
    const page = await answer(api.GET("/campaigns/{id}/experiments", { params: { path: { id }, query: { limit, cursor, after: cursor ? undefined : after } } }));
    rows.push(...page.items);
    cursor = page.next;
  } while (cursor && rows.length < count);
  return rows;
}

export const useExperiments = (id: string) => useQuery({ queryKey: keys.experiments(id), queryFn: () => fetchExperiments(id) });

export const useExperiment = (id: string, number: number) =>
  useQuery({ queryKey: keys.experiment(id, number), queryFn: () => answer(api.GET("/campaigns/{id}/experiments/{number}", { params: { path: { id, number } } })) });

async function fetchPlans(id: string): Promise<Plan[]> {
  const plans: Plan[] = [];
  let cursor: string | undefined;
  do {
    const page = await answer(api.GET("/campaigns/{id}/plans", { params: { path: { id }, query: { limit: 1000, cursor } } }));
    plans.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return plans;
}

export const usePlans = (id: string) => useQuery({ queryKey: ["plans", id], queryFn: () => fetchPlans(id) });

/** One plan, which never changes once it is made. */
export const usePlan = (id: string, round: number, enabled: boolean) =>
  useQuery({ queryKey: ["plan", id, round], queryFn: () => answer(api.GET("/campaigns/{id}/plans/{round}", { params: { path: { id, round } } })), enabled: enabled && round > 0, staleTime: Infinity, placeholderData: keepPreviousData });

/** What a campaign read. While people judge papers others may, too, so it is asked again. */
export const useReading = (id: string, enabled = true) =>
  useQuery({
    queryKey: keys.reading(id),
    queryFn: () => answer(api.GET("/campaigns/{id}/literature", { params: { path: { id } } })),
    enabled,
    refetchInterval: (q) => (q.state.data?.state !== "screening" ? false : q.state.data.judged >= q.state.data.wanted ? 3_000 : 15_000),
  });

/** What stands in the papers that a campaign keeps: of one of them, or ("") of all. */
export const useFindings = (id: string, paper: string, all: boolean) =>
  useQuery({
    queryKey: [...keys.findings(id), paper, all],
    queryFn: () => answer(api.GET("/campaigns/{id}/literature/findings", { params: { path: { id }, query: { paper: paper || undefined, all: all || undefined } } })),
    placeholderData: keepPreviousData,
  });

export const useSnapshots = () => useQuery({ queryKey: keys.snapshots, queryFn: async () => (await answer(api.GET("/snapshots"))).items });

export const useImports = () =>
  useQuery({
    queryKey: keys.imports,
    queryFn: async () => (await answer(api.GET("/imports"))).items,
    refetchInterval: (q) => (q.state.data?.some((i) => i.state === "running") ? 2_000 : 30_000),
  });

export const useImport = (id: string, enabled = true) =>
  useQuery({
    queryKey: keys.import(id),
    queryFn: () => answer(api.GET("/imports/{id}", { params: { path: { id } } })),
    enabled,
    refetchInterval: (q) => (q.state.data?.state === "running" ? 500 : false),
  });

export const heldPage = 25;

export const useHeld = (id: string, cursor: string | undefined, enabled: boolean) =>
  useQuery({ queryKey: [...keys.held(id), cursor ?? ""], queryFn: () => answer(api.GET("/imports/{id}/held", { params: { path: { id }, query: { limit: heldPage, cursor } } })), enabled, placeholderData: keepPreviousData });

export const useInbox = () => useQuery({ queryKey: ["inbox"], queryFn: () => answer(api.GET("/imports/inbox")), staleTime: 0 });

export const useManifest = (id: string, format: string, enabled: boolean) =>
  useQuery({ queryKey: ["manifest", id, format], queryFn: () => fetchManifest(id, format), enabled, staleTime: Infinity });

export const useQuestions = () => useQuery({ queryKey: keys.questions, queryFn: async () => (await answer(api.GET("/questions"))).items });

export const useDevices = () => useQuery({ queryKey: keys.devices, queryFn: async () => (await answer(api.GET("/devices"))).items });

/** What steps wait for changes without an event: it is asked for while somebody looks. */
export function useWaits(campaign: string, enabled: boolean) {
  const q = useQuery({ queryKey: ["waits", campaign], queryFn: async () => (await answer(api.GET("/waits", { params: { query: { campaign } } }))).items, enabled, staleTime: 0, refetchInterval: 5000 });
  return (enabled && q.data) || []; // what has ended waits for nothing, whatever was heard last
}

export const useExamples = () => useQuery({ queryKey: ["examples"], queryFn: async () => (await answer(api.GET("/examples"))).items, staleTime: Infinity });

export const useSource = (id: string) => useQuery({ queryKey: ["source", id], queryFn: () => fetchSource(id), staleTime: Infinity });

export const useVersion = () => useQuery({ queryKey: ["version"], queryFn: async () => (await answer(api.GET("/version"))).version, staleTime: Infinity });

export const logPage = 100;

export const fetchLog = async (id: string, before = 0) => (await answer(api.GET("/campaigns/{id}/events", { params: { path: { id }, query: { before, limit: logPage } } }))).items;

const minute = 60_000;

/** What devices measure comes too often for events: it is asked for while somebody looks. */
export const useTelemetry = (id: string, on: boolean) =>
  useQuery({
    queryKey: [...keys.telemetry(id)],
    queryFn: () => answer(api.GET("/devices/{id}/telemetry", { params: { path: { id }, query: { points: 240 } } })).then((x) => x.items),
    enabled: on,
    refetchInterval: 5000,
    staleTime: 4000,
  });
export const useQuarantine = () => useQuery({ queryKey: keys.quarantine, queryFn: () => answer(api.GET("/quarantine", { params: { query: { limit: 100 } } })).then((x) => x.items), refetchInterval: minute / 4 });
export const useHandovers = () => useQuery({ queryKey: keys.handovers, queryFn: () => answer(api.GET("/handovers")).then((x) => x.items), refetchInterval: minute / 12 });
