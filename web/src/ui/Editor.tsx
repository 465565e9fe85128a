import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { Complaint } from "../api/client";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--run)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--accent)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { fontSize: "13px", color: "var(--ink)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "2px solid var(--mantine-primary-color-filled)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mantine-font-family-monospace)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--muted)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--run-bg) 45%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--off-bg)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--run) 26%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", border: "1px solid var(--line)", color: "var(--ink)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)" },
});

export type EditorHandle = { jump: (line: number, column?: number) => void };

/** A YAML editor, or a reader of YAML when it cannot be changed. */
export function Editor({ text, onChange, problems, handle, label, readOnly }: {
  text: string;
  onChange?: (text: string) => void;
  problems?: Complaint[];
  handle?: (h: EditorHandle | null) => void;
  label: string;
  readOnly?: boolean;
}) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const change = useRef(onChange);
  const first = useRef(text);
  useEffect(() => {
    change.current = onChange;
  });

  useEffect(() => {
    if (!host.current) return;
    const v = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          bracketMatching(),
          highlightSelectionMatches(),
          indentUnit.of("  "),
          yaml(),
          syntaxHighlighting(colours),
          look,
          keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...(readOnly ? [] : [indentWithTab])]),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
          EditorView.lineWrapping,
          readOnly ? [EditorState.readOnly.of(true)] : [highlightActiveLine(), highlightActiveLineGutter(), lintGutter()],
          EditorView.updateListener.of((u) => {
            if (u.docChanged) change.current?.(u.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = v;
    handle?.({
      jump: (line, column = 1) => {
        const l = v.state.doc.line(Math.max(1, Math.min(v.state.doc.lines, line)));
        const at = Math.min(l.to, l.from + Math.max(0, column - 1));
        v.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
        v.focus();
      },
    });
    return () => {
      handle?.(null);
      v.destroy();
      view.current = null;
    };
  }, [label, readOnly, handle]);

  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== text) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: text } });
  }, [text]);

  useEffect(() => {
    const v = view.current;
    if (!v || readOnly) return;
    const doc = v.state.doc;
    v.dispatch(
      setDiagnostics(
        v.state,
        (problems ?? []).filter((p) => p.line && p.line <= doc.lines).map((p) => {
          const l = doc.line(p.line ?? 1);
          const from = Math.min(l.to, l.from + Math.max(0, (p.column ?? 1) - 1));
          return { from, to: l.to, severity: "error" as const, message: p.right ? `${p.wrong}; ${p.right}` : p.wrong };
        }),
      ),
    );
  }, [problems, readOnly]);

  return <div ref={host} />;
}
