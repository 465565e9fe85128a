import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

export default defineConfig(
  { ignores: ["src/api/__generated__/**", "dist/**"] },
  js.configs.recommended,
  ts.configs.recommended,
  { plugins: { "react-hooks": hooks }, rules: { "react-hooks/rules-of-hooks": "error", "react-hooks/exhaustive-deps": "error" } },
  { files: ["e2e/**"], languageOptions: { globals: { console: "readonly", process: "readonly", document: "readonly", window: "readonly", fetch: "readonly", URL: "readonly", setTimeout: "readonly", performance: "readonly", innerWidth: "readonly", localStorage: "readonly" } } },
);
