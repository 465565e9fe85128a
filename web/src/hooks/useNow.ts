import { useEffect, useState } from "react";

/** The time, anew every so many milliseconds; without an interval the time of the first render. */
export function useNow(every?: number): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    if (!every) return;
    const t = setInterval(() => setNow(new Date()), every);
    return () => clearInterval(t);
  }, [every]);
  return now;
}
