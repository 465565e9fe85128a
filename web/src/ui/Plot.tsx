import { useComputedColorScheme } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { ink } from "../theme";
import { num } from "../util/format";

export type Ink = (typeof ink)["light" | "dark"];

/** A canvas plot: follows its column's width and the colour scheme, is walked through with the arrow keys, and reads out the point under the cursor. */
export function Plot({ data, options, height = 260, label, legend, readout, onOpen }: {
  data: uPlot.AlignedData;
  /** Must keep its identity while it means the same. */
  options: (ink: Ink) => Omit<uPlot.Options, "width" | "height">;
  height?: number;
  /** The plot in a sentence, for those who cannot see it. */
  label: string;
  legend?: ReactNode;
  readout: (index: number) => string;
  onOpen?: (index: number) => void;
}) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(data);
  const scheme = useComputedColorScheme("light");
  const [at, setAt] = useState<number | null>(null);
  const open = useRef(onOpen);
  useEffect(() => {
    open.current = onOpen;
  });

  useEffect(() => {
    const el = host.current;
    if (!el) return;
    const o = options(ink[scheme]);
    const u = new uPlot(
      {
        ...o,
        width: el.clientWidth,
        height,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { show: false }, y: false, ...o.cursor },
        hooks: { ...o.hooks, setCursor: [(u) => setAt(u.cursor.idx ?? null)] },
      },
      latest.current,
      el,
    );
    plot.current = u;
    const click = () => {
      if (u.cursor.idx != null) open.current?.(u.cursor.idx);
    };
    u.over.addEventListener("click", click);
    const watch = new ResizeObserver(() => {
      if (el.clientWidth > 0 && el.clientWidth !== u.width) u.setSize({ width: el.clientWidth, height });
    });
    watch.observe(el);
    return () => {
      watch.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [scheme, options, height]);

  useEffect(() => {
    latest.current = data;
    plot.current?.setData(data);
  }, [data]);

  const walk = (e: KeyboardEvent) => {
    const u = plot.current;
    const n = data[0].length;
    if (!u || !n) return;
    const steps: Record<string, number> = { ArrowRight: (at ?? -1) + 1, ArrowLeft: (at ?? n) - 1, Home: 0, End: n - 1 };
    const to = steps[e.key];
    if (e.key === "Enter" && at !== null) onOpen?.(at);
    if (to === undefined) return;
    e.preventDefault();
    const i = Math.max(0, Math.min(n - 1, to));
    u.setCursor({ left: u.valToPos(data[0][i] ?? 0, "x"), top: u.bbox.height / devicePixelRatio / 2 });
    setAt(i);
  };

  return (
    <figure className="plot">
      {legend && <div className="legend" aria-hidden="true">{legend}</div>}
      <div className="canvas" role="img" aria-label={`${label} Arrow keys read out the points.`} tabIndex={0} onKeyDown={walk}>
        <div ref={host} aria-hidden="true" style={{ height }} />
      </div>
      <figcaption className="readout" aria-live="polite">
        {at !== null && at < data[0].length ? readout(at) : "\u00a0"}
      </figcaption>
    </figure>
  );
}

/** Axes as all our plots have them: few, thin, with numbers that can be read. */
export function axes(c: Ink, x: string, y: string, whole = false): uPlot.Axis[] {
  const line = { stroke: c.grid, width: 1 };
  const common = { stroke: c.text, grid: line, ticks: { ...line, size: 4 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelGap: 0 };
  const values = (_: uPlot, v: number[]) => v.map((n) => num(n, 4));
  return [
    { ...common, label: x, size: 30, labelSize: 18, values, ...(whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] } : {}) },
    { ...common, label: y, size: 46, labelSize: 18, values },
  ];
}

/** A range with room around what is there. */
export function roomy(_: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min == null || max == null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const pad = (max - min || Math.abs(max) || 1) * 0.07;
  return [min - pad, max + pad];
}

/** Vertical bars from series low to series high, drawn under the points. */
export function intervals(low: number, high: number, colour: string): (u: uPlot) => void {
  return (u) => {
    const { ctx } = u;
    const xs = u.data[0];
    const lo = u.data[low];
    const hi = u.data[high];
    if (!lo || !hi) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    ctx.strokeStyle = colour;
    const perPoint = u.bbox.width / Math.max(1, xs.length);
    ctx.lineWidth = Math.max(1, Math.min(5, perPoint * 0.45)) * (perPoint > 4 ? devicePixelRatio : 1);
    ctx.lineCap = "butt";
    ctx.beginPath();
    for (let i = 0; i < xs.length; i++) {
      const a = lo[i];
      const b = hi[i];
      if (a == null || b == null) continue;
      const x = u.valToPos(xs[i] ?? 0, "x", true);
      ctx.moveTo(x, u.valToPos(a, "y", true));
      ctx.lineTo(x, u.valToPos(b, "y", true));
    }
    ctx.stroke();
    ctx.restore();
  };
}
