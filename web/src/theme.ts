import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const ember: MantineColorsTuple = ["#fff3ea", "#ffe3d0", "#fdc6a1", "#fba76e", "#f98c44", "#f07a2c", "#d9641b", "#bd5312", "#a2440d", "#873706"];

export const theme = createTheme({
  colors: { ember },
  primaryColor: "ember",
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  defaultRadius: 6,
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "22px", lineHeight: "1.25" }, h2: { fontSize: "15px", lineHeight: "1.35" }, h3: { fontSize: "13px", lineHeight: "1.4" } } },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
});

/** Mantine's own tones where they are too faint to read: the contrast of text is 4.5 to 1 or more. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#faf9f7",
    "--mantine-color-default": "#ffffff",
    "--mantine-color-default-border": "#d9d5cd",
    "--mantine-color-dimmed": "#5b6069",
    "--mantine-color-placeholder": "#6a6f78",
    "--mantine-color-error": "#b42318",
    "--mantine-color-anchor": "#93400d",
  },
  dark: {
    "--mantine-color-body": "#14161a",
    "--mantine-color-default": "#1b1e23",
    "--mantine-color-default-border": "#343941",
    "--mantine-color-dimmed": "#a0a7b2",
    "--mantine-color-placeholder": "#98a0ac",
    "--mantine-color-text": "#e7e6e3",
    "--mantine-color-error": "#ff9d94",
    "--mantine-color-anchor": "#ffb27d",
  },
});

/** Colours that are drawn on canvas, where style sheets do not reach. */
export const ink = {
  light: { text: "#4b5058", grid: "#ebe8e2", point: "#a2440d", best: "#0a6e5c", band: "rgba(43,108,196,.30)", mean: "#2b6cc4", running: "#8a8f98", accent: "#a2440d", surface: "#ffffff" },
  dark: { text: "#a9b0bb", grid: "#2a2e35", point: "#ff9d5c", best: "#5fd0b3", band: "rgba(122,172,246,.34)", mean: "#7aacf6", running: "#868d98", accent: "#ff9d5c", surface: "#1b1e23" },
} as const;
