import { useCallback, useState } from "react";

/** A text that this browser remembers. Where it may not, the page forgets it with itself. */
export function useStored(key: string, initial: string): [string, (v: string) => void] {
  const name = `athanor.${key}`;
  const [value, setValue] = useState(() => {
    try {
      return localStorage.getItem(name) ?? initial;
    } catch {
      return initial;
    }
  });
  const set = useCallback(
    (v: string) => {
      setValue(v);
      try {
        localStorage.setItem(name, v);
      } catch {
        // storage is switched off
      }
    },
    [name],
  );
  return [value, set];
}
