import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// In development the page comes from Vite and the API from a running server,
// which only listens to its own page: the proxy speaks in that page's name.
const target = process.env.ATHANOR_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", sourcemap: false, chunkSizeWarningLimit: 700 },
  worker: { format: "es" },
  server: { proxy: { "/api": { target, changeOrigin: true, headers: { origin: target } } } },
});
