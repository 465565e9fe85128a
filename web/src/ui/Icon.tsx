const paths = {
  campaigns: "M4 6h16M4 12h16M4 18h10",
  review: "M12 3a9 9 0 1 0 9 9M8 12l3 3 9-9",
  devices: "M5 4h14v9H5zM9 20h6M12 13v7M9 8.500h6",
  data: "M4 6c0-1.700 3.600-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3zM4 6v12c0 1.700 3.600 3 8 3s8-1.300 8-3V6M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3",
  play: "M8 5.500v13l10-6.500z",
  pause: "M9 5v14M15 5v14",
  stop: "M7 7h10v10H7z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  cross: "M6 6l12 12M18 6L6 18",
  wait: "M12 7v5l3.500 2M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18",
  warn: "M12 9v4.500M12 17h.01M12 3.500L2.500 20h19z",
  question: "M9 9.300a3 3 0 1 1 4.300 2.900c-.9.500-1.300 1-1.300 2M12 17.500h.01M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8M12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400",
  moon: "M20 14.500A8 8 0 1 1 9.500 4a6.500 6.500 0 0 0 10.500 10.500z",
  auto: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18M12 3v18M15 5.500v13M18 8v8",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  plus: "M12 5v14M5 12h14",
  right: "M9 6l6 6-6 6",
  left: "M15 6l-6 6 6 6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  search: "M10.500 4a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13M15.500 15.500L20 20",
  keyboard: "M3 7h18v11H3zM7 11h.01M11 11h.01M15 11h.01M8 14.500h8",
  reset: "M5 12a7 7 0 1 0 2.300-5.200M5 4v4h4",
  dash: "M6 12h12",
} as const;

export type IconName = keyof typeof paths;

/** A small line drawing that says what a word beside it, or the label of its button, says too. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={2} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
