import { type ComponentProps, lazy, Suspense } from "react";
import type { Editor } from "./Editor";
import { Loading } from "./basics";

const Inner = lazy(() => import("./Editor").then((m) => ({ default: m.Editor })));

/** The editor, fetched when it is first wanted. */
export function LazyEditor(props: ComponentProps<typeof Editor>) {
  return (
    <Suspense fallback={<div style={{ padding: 14 }}><Loading lines={6} label="Loading the editor" /></div>}>
      <Inner {...props} />
    </Suspense>
  );
}
